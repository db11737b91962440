"""Loads a model onto the GPU with the most room."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from deployments.errors import Unavailable
from deployments.placement.devices import Gpu, GpuReader
from deployments.placement.memory import CONTEXT_BYTES
from deployments.placement.placement import Placement, place

Model = TypeVar("Model")


class ProcessMustEnd(RuntimeError):
    """A model does not fit on its GPU, which its process cannot change: a new process must take another one."""


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
        fraction: Fraction of a GPU, as Ray's `num_gpus`.
        bytes: Peak memory; None if unknown.
        load: Called with the GPU (None if only Ray knows it); must be what imports and initialises CUDA.
        reader: Reads the GPUs.
        assigned: The ids that Ray gave this replica.
        lease_dir: Folder of `Leases`.

    Returns:
        The result of `load`, and its placement, which leases the GPU as long as it is kept.

    Raises:
        Unavailable: no GPU has room, or the model ran out of memory on all of them.
        ProcessMustEnd: the model ran out of memory on this GPU, and another one is left to try.
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


def sleep_on_gpu(placement: Placement | None) -> None:
    """Frees what a model that has left the GPU leaves there, and publishes that it sleeps."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.backends.cuda.cufft_plan_cache.clear()
        torch._C._cuda_clearCublasWorkspaces()  # each stream has one
        torch.cuda.empty_cache()
    if placement:
        placement.sleep(_used())


def wake_on_gpu(placement: Placement | None, wake: Callable[[Gpu | None], Model], reader: GpuReader) -> Model:
    """Brings a model that sleeps back to its GPU.

    Args:
        placement: Its placement; None on a CPU.
        wake: Called with the GPU, as by `load_onto_gpu`.
        reader: Reads the GPUs.

    Raises:
        Unavailable: no GPU has room.
        ProcessMustEnd: another program or replica has taken the GPU's memory, and another GPU has room; or the memory
            did not suffice after all.
    """
    if placement is None:
        return wake(None)
    if not placement.wake():
        raise ProcessMustEnd("The GPU of a sleeping model has been taken, and another one has room.")
    try:
        model = wake(next((gpu for gpu in reader.read() if gpu.uuid == placement.uuid), None))
    except _out_of_memory() as error:
        raise ProcessMustEnd("A GPU has no memory for a model that wakes.") from error
    except BaseException:
        sleep_on_gpu(placement)
        raise
    placement.loaded(_used())
    return model


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
    """Returns the bytes that this process uses on its GPU, CUDA's context included."""
    import torch

    return torch.cuda.memory_reserved() + CONTEXT_BYTES if torch.cuda.is_initialized() else 0
