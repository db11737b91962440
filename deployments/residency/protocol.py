"""What the GPU room offers the others: where the models are, and orders to move them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

MODELS: Final = ("Llasa", "XCodec2", "Whisper")

State = Literal["unloaded", "loading", "ready", "draining"]


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One process that holds a model, or is about to."""

    replica: str
    state: State
    node: str
    pid: int | None
    gpu: str | None
    """UUID of the physical GPU; None on a CPU."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Where one model is."""

    state: State
    replicas: tuple[ReplicaStatus, ...]
    idle_seconds: float | None
    """Since its last request ended; None unless it is ready."""
    timeout_seconds: float
    pinned: bool
    ongoing: float
    """Requests in the model or before it, averaged over the last seconds, as the policy sees them."""
    queued: float
    """Of these, the ones that no replica has taken yet."""
    last_load_seconds: float | None
    failure: str | None
    """Why the model could not be loaded when that was last tried."""


@dataclass(frozen=True, slots=True)
class GpuStatus:
    """A physical GPU of the cluster."""

    node: str
    index: int
    uuid: str
    name: str
    total_bytes: int
    used_bytes: int
    free_bytes: int
    utilisation: float | None
    """0 to 1; None where NVML does not tell."""
    models: tuple[str, ...]
    """Of ours, a name for each replica on it."""


class Residency(Protocol):
    """Says when models are loaded. Orders live in the cluster: they outlast the replica that gave them."""

    def held(self, models: Sequence[str]) -> AbstractAsyncContextManager[None]:
        """Models that can answer, for work that needs them: they stay loaded until it ends.

        Those that are unloaded load side by side; one that was told to unload is waited for until it has, and comes
        back.

        Raises:
            Unavailable: on entering: one cannot be loaded, and why; or not soon enough.
        """
        ...

    async def status(self) -> dict[str, ModelStatus]:
        """Status of each model by its name."""
        ...

    async def gpus(self) -> list[GpuStatus]:
        """The GPUs of all nodes; empty where there is none."""
        ...

    async def offload(self, models: Sequence[str], *, drop_cache: bool = False) -> None:
        """Unloads: what runs ends whole, what comes later brings the model back.

        Args:
            models: Names of `MODELS`.
            drop_cache: Also drops the weights from the host's page cache.
        """
        ...

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        """Loads ahead of need; the idle time begins then. Pinned models stay until they are offloaded."""
        ...

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        """Changes after how long without a request a model is unloaded."""
        ...
