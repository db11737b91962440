"""Loading a model onto the GPU with the most room."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from deployments.errors import Unavailable
from deployments.placement.devices import Gpu, GpuReader
from deployments.placement.memory import CONTEXT_BYTES
from deployments.placement.placement import Placement, place

Model = TypeVar("Model")


class ProcessMustEnd(RuntimeError):
    """A model ran out of memory on a GPU that its process cannot leave: a new process will take another one."""


def load_onto_gpu(
    model: str,
    fraction: float,
    bytes: int | None,
    load: Callable[[Gpu | None], Model],
    reader: GpuReader,
    *,
    assigned: Sequence[str] = (),
    lease_dir: Path | None = None,
) -> tuple[Model, Placement]:
    """Places this process on a GPU and loads there.

    Args:
        model: Its name.
        fraction: Of a GPU, as Ray's `num_gpus`.
        bytes: Memory at its largest; None if unknown.
        load: Given the GPU (None where only Ray knows which); must be what imports and initialises CUDA.
        reader: Of the GPUs.
        assigned: The ids that Ray gave this replica.
        lease_dir: Of `Leases`.

    Returns:
        What `load` made, and its place: the GPU is leased for as long as that is kept.

    Raises:
        Unavailable: no GPU has room, or the model ran out of memory on all of them.
        ProcessMustEnd: it ran out of memory on this one, and another is left to try.
    """
    placement = place(model, fraction, bytes, reader, lease_dir=lease_dir, assigned=assigned)
    try:
        while True:
            try:
                loaded = load(next((gpu for gpu in reader.read() if gpu.uuid == placement.uuid), None))
            except _out_of_memory() as error:
                _leave(placement, error)
            else:
                placement.loaded(_used())
                return loaded, placement
    except BaseException:
        placement.release()
        raise


def _leave(placement: Placement, error: BaseException) -> None:
    try:
        placement.next()
    except Unavailable as failure:
        if placement.exhausted:
            raise failure from error
        raise ProcessMustEnd(failure.message) from error


def _out_of_memory() -> tuple[type[BaseException], ...]:
    import torch

    return (torch.OutOfMemoryError, MemoryError)


def _used() -> int:
    """Bytes that this process has on its GPU, CUDA's context included."""
    import torch

    return torch.cuda.memory_reserved() + CONTEXT_BYTES if torch.cuda.is_initialized() else 0
