"""A copy of a model's weights in host memory, from which they return to their GPU at the speed of the bus."""

import logging
from collections.abc import Iterable, Iterator
from typing import Final

import torch

logger = logging.getLogger(__name__)

_CHUNK: Final = 64 * 2**20
"""Bytes of host memory that are pinned at once: a power of two, to which torch would round up."""


class HostCopy:
    """Copies weights into pinned memory while they are in use, then frees and restores them any number of times.

    Weights do not change, so one copy serves all sleeps. Pinning takes much longer than copying (7 s and 0.3 s for
    16 GB on the host of an H200), so the memory stays pinned until the process ends. The tensors remain the same
    objects: only the memory behind them comes and goes, at new addresses.

    Args:
        tensors: All weights. Those that share memory are copied once.
        chunk: Bytes that are pinned at once.
    """

    def __init__(self, tensors: Iterable[torch.Tensor], chunk: int = _CHUNK) -> None:
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors}
        self._sizes = [(storage, storage.nbytes()) for storage in storages.values() if storage.nbytes()]
        self._chunk = chunk
        self._chunks: list[torch.Tensor] = []
        for host, device in self._pieces():
            host.copy_(device, non_blocking=True)
        _wait()

    @property
    def bytes(self) -> int:
        """Bytes of host memory."""
        return self._chunk * len(self._chunks)

    def free(self) -> None:
        """Frees the weights' memory on the GPU. Nothing may use them until `restore`."""
        _wait()
        for storage, _ in self._sizes:
            storage.resize_(0)

    def restore(self) -> None:
        """Brings the weights back.

        Raises:
            OutOfMemoryError: the GPU has too little memory.
        """
        for storage, size in self._sizes:
            storage.resize_(size)
        for host, device in self._pieces():
            device.copy_(host, non_blocking=True)
        _wait()

    def _pieces(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields corresponding bytes of host and device. The storages follow each other without gaps in the chunks."""
        end = 0
        for storage, size in self._sizes:
            whole = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
            begin = 0
            while begin < size:
                number, place = divmod(end, self._chunk)
                if number == len(self._chunks):
                    pinned = storage.device.type == "cuda"
                    self._chunks.append(torch.empty(self._chunk, dtype=torch.uint8, pin_memory=pinned))
                count = min(size - begin, self._chunk - place)
                yield self._chunks[number][place : place + count], whole[begin : begin + count]
                begin, end = begin + count, end + count


def copy_to_host(tensors: Iterable[torch.Tensor]) -> HostCopy | None:
    """Returns a copy, or None if the host has no memory for it: then the weights must be read from files again."""
    try:
        return HostCopy(tensors)
    except (RuntimeError, MemoryError) as error:
        logger.warning("weights cannot be copied to pinned host memory, and will be read from files: %s", error)
        return None


def _wait() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
