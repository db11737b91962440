"""Describes the machine of a benchmark, and measures its memory bandwidth."""

import os
import platform
import time
from dataclasses import dataclass
from typing import Final

import torch
import transformers

_COPIES: Final = 20


@dataclass(frozen=True, slots=True)
class Machine:
    """Names for the record."""

    device: str
    torch: str
    transformers: str
    cores: int
    threads: int
    """Threads of torch."""

    @classmethod
    def of(cls, device: str) -> "Machine":
        on_gpu = device.startswith("cuda")
        name = torch.cuda.get_device_name(device) if on_gpu else _cpu_name()
        return cls(name, torch.__version__, transformers.__version__, os.cpu_count() or 1, torch.get_num_threads())

    def __str__(self) -> str:
        return (
            f"{self.device}, {self.cores} cores, torch {self.torch} with {self.threads} threads, "
            f"transformers {self.transformers}"
        )


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def synchronize(device: str) -> None:
    """Waits until the device has finished its work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def memory_bandwidth(device: str) -> float:
    """Returns the bytes read and written per second by a copy on the device, the best of several."""
    size = 2**30 if device.startswith("cuda") else 2**27
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(_COPIES):
        synchronize(device)
        begin = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        best = min(best, time.perf_counter() - begin)
    return 2 * size / best


def reset_peak_memory(device: str) -> None:
    """Resets the measurement of `peak_memory`."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: str) -> int | None:
    """Returns the peak bytes of torch on the GPU since the reset; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else None
