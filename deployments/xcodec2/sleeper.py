"""An XCodec2 that can leave its device and return."""

from pathlib import Path

from deployments.placement.host_copy import HostCopy, copy_to_host
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec


class SleepingCodec:
    """A codec that sleeps in host memory, or on a CPU in the page cache.

    Args:
        folder: A checkpoint.
        device: torch's name of the device.
        decodes: Maximum decodes in a batch.
    """

    def __init__(self, folder: Path, device: str, decodes: int) -> None:
        self._folder = folder
        self._device = device
        self._decodes = decodes
        self._copy: HostCopy | None = None
        self._codec: Xcodec2Codec | None = None
        self._batcher: CodecBatcher | None = None
        self.wake()

    @property
    def batcher(self) -> CodecBatcher:
        """The codec of a model that is awake."""
        assert self._batcher  # noqa: S101 - the caller has woken it
        return self._batcher

    def prepare(self) -> None:
        """Copies the weights to the host, once; the codec may be in use meanwhile."""
        if self._copy is None and self._codec and self._device != "cpu":
            self._copy = copy_to_host(self._codec.tensors())

    def sleep(self) -> None:
        """Frees all memory on the device; waiting requests fail."""
        self.batcher.close()
        self._batcher = None
        if self._copy:
            self._copy.free()
        else:
            self._codec = None

    def wake(self) -> None:
        """Brings the weights back.

        Raises:
            Unavailable: the checkpoint cannot be read.
            OutOfMemoryError: the memory does not suffice.
        """
        if self._codec and self._copy:
            self._copy.restore()
        else:
            self._codec = Xcodec2Codec.load(str(self._folder), self._device)
        self._batcher = CodecBatcher(self._codec, self._decodes)
