"""Residency's interface for the other packages: where the models are loaded, and orders to move them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

Model = Literal["Llasa", "XCodec2", "Whisper"]
MODELS: Final[tuple[Model, ...]] = get_args(Model)

State = Literal["unloaded", "asleep", "loading", "ready", "draining", "failed"]


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """A process that holds a model, or is about to."""

    replica: str
    state: State
    node: str
    pid: int | None
    gpu: str | None
    """UUID of the physical GPU; None on a CPU."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """State of one model."""

    state: State
    replicas: tuple[ReplicaStatus, ...]
    idle_seconds: float | None
    """Seconds since its last request ended; None unless it is ready."""
    timeout_seconds: float
    pinned: bool
    ongoing: float
    """Requests in the model or queued for it, averaged over the last seconds, as the policy sees them."""
    queued: float
    """Requests among these that no replica has taken yet."""
    last_load_seconds: float | None
    last_wake_seconds: float | None
    failure: str | None
    """Reason why the model failed to load at the last attempt."""


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
    """0 to 1; None if NVML does not report it."""
    models: tuple[str, ...]
    """Models of this service, one name per replica on the GPU."""
    asleep: tuple[str, ...] = ()
    """Models of this service that have left the GPU for the host's memory and will return to it."""


class Residency(Protocol):
    """Controls when models are loaded. Orders live in the cluster: they outlast the replica that gave them."""

    def held(self, models: Sequence[str]) -> AbstractAsyncContextManager[None]:
        """Loads models for work that needs them and keeps them loaded until it ends.

        Unloaded models are loaded in parallel; one that is being unloaded is loaded again once that is done.

        Raises:
            Unavailable: on entering: a model cannot be loaded, or not soon enough; says why.
        """
        ...

    async def status(self) -> dict[str, ModelStatus]:
        """Returns the status of each model by its name."""
        ...

    async def gpus(self) -> list[GpuStatus]:
        """Returns the GPUs of all nodes; empty if there is none."""
        ...

    async def offload(self, models: Sequence[str]) -> None:
        """Lets models sleep in host memory: running requests finish, later ones wake the model."""
        ...

    async def release(self, models: Sequence[str]) -> None:
        """Ends the models' processes and drops the weights from the host's page cache, too."""
        ...

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        """Loads or wakes models ahead of need; their idle time begins then. Pinned ones stay until an offload."""
        ...

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        """Changes the idle time after which a model falls asleep."""
        ...


def models_of(model: str | None) -> tuple[str, ...]:
    """Returns the names of a model, or of all."""
    return (model,) if model else MODELS
