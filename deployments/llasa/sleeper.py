"""A Llasa that can leave its device and return."""

from deployments.llasa.checkpoint import Checkpoint, CheckpointFolder
from deployments.llasa.engine import Engine
from deployments.placement.host_copy import HostCopy, copy_to_host


class SleepingLlasa:
    """An engine and its weights, which sleep in host memory, or on a CPU in the page cache.

    Asleep, nothing of them is on the device: neither weights, keys and values nor captured steps. Vocabulary and
    prompts stay.

    Args:
        folder: Reads the weights.
        takes: Takes at once.
        checkpoint: What `folder` has loaded; by default it is loaded here.
    """

    def __init__(self, folder: CheckpointFolder, takes: int, checkpoint: Checkpoint | None = None) -> None:
        self._folder = folder
        self._copy: HostCopy | None = None
        self._checkpoint: Checkpoint | None = checkpoint or folder.load()
        self._engine: Engine | None = Engine.fitting(self._checkpoint, takes)

    @property
    def engine(self) -> Engine:
        """The engine of a model that is awake."""
        assert self._engine  # noqa: S101 - the caller has woken it
        return self._engine

    def check_health(self) -> None:
        """Raises Unavailable if the engine of a model that is awake has died."""
        if engine := self._engine:
            engine.check_health()

    def prepare(self) -> None:
        """Copies the weights to the host, once; takes may run meanwhile."""
        if self._copy is None and self._checkpoint and self._checkpoint.weights.device.type == "cuda":
            self._copy = copy_to_host(self._checkpoint.weights.tensors())

    def sleep(self) -> None:
        """Frees all memory on the device; running takes fail."""
        self.engine.close()
        self._engine = None
        if self._copy:
            self._copy.free()
        else:
            self._checkpoint = None

    def wake(self, takes: int) -> None:
        """Brings the weights back and starts a new engine.

        Raises:
            Unavailable: the checkpoint cannot be read.
            OutOfMemoryError: the memory does not suffice.
        """
        if self._checkpoint and self._copy:
            self._copy.restore()
        else:
            self._checkpoint = self._folder.load()
        self._engine = Engine.fitting(self._checkpoint, takes)
