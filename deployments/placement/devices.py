"""The physical GPUs of this node: what NVML tells of them, and which of them this process may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that has memory on a GPU."""

    pid: int
    """As the driver counts: inside a container often the host's pid, which no process there knows."""
    used: int | None
    """Bytes, None where the driver does not tell."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A physical GPU at the moment of reading."""

    index: int
    """Place in PCI order: what CUDA counts by under CUDA_DEVICE_ORDER=PCI_BUS_ID."""
    uuid: str
    name: str
    total: int
    """Bytes, as are `used` and `free`. What the driver keeps for itself is in none but `total`."""
    used: int
    free: int
    utilisation: float | None = None
    """0 to 1, None where the driver does not tell."""
    mig: bool = False
    """Whether it is cut into MIG instances."""
    processes: tuple[GpuProcess, ...] = ()


class GpuReader(Protocol):
    """Where the state of the GPUs comes from."""

    def read(self) -> list[Gpu]:
        """All GPUs of the node in PCI order; none where there is no driver."""
        ...


class NvmlReader:
    """Reads by NVML, which needs no CUDA context and sees the GPUs of the whole node or container."""

    def read(self) -> list[Gpu]:
        """All GPUs in PCI order. No driver, no library, no GPU: an empty list.

        A GPU that does not tell its memory (lost, or one memory with the CPU's) is left out: nothing could be chosen
        by it.
        """
        try:
            import pynvml  # type: ignore[import-untyped]
        except ImportError:
            return []
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return []
        try:
            read = (_read(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
            return [gpu for gpu in read if gpu]
        except pynvml.NVMLError:
            return []
        finally:
            _told(pynvml, pynvml.nvmlShutdown)


def _read(nvml: Any, index: int) -> Gpu | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
        except nvml.NVMLError:  # drivers before 510
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError:
        return None
    rates = _told(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
    mode = _told(nvml, nvml.nvmlDeviceGetMigMode, handle)
    # By pid: a process that computes and draws is in both lists, with the same bytes.
    users = {
        process.pid: process.usedGpuMemory
        for query in (nvml.nvmlDeviceGetGraphicsRunningProcesses, nvml.nvmlDeviceGetComputeRunningProcesses)
        for process in _told(nvml, query, handle) or ()
    }
    return Gpu(
        index=index,
        uuid=uuid,
        name=name,
        total=memory.total,
        used=memory.used,
        free=memory.free,
        utilisation=None if rates is None else rates.gpu / 100,
        mig=bool(mode and mode[0]),
        processes=tuple(GpuProcess(pid, used) for pid, used in sorted(users.items())),
    )


def _told(nvml: Any, query: Any, *arguments: Any) -> Any:
    """The answer, or None where this GPU or driver does not support the question."""
    try:
        return query(*arguments)
    except nvml.NVMLError:
        return None


def visible(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> frozenset[str]:
    """UUIDs of the GPUs that the environment allows: those within both NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES.

    Entries are places in PCI order, UUIDs or unique beginnings of one. An entry that names a MIG instance allows every
    GPU that is cut into such: which of them, NVML's list does not tell.

    NVIDIA_VISIBLE_DEVICES speaks to the container runtime, so the list often shows its effect already: its places are
    the host's, and mean nothing where no more GPUs are there than it names; unset, empty, `all`, `void` (what the
    runtime writes when CDI brought the GPUs) and paths bound nothing; `none` allows none.

    CUDA_VISIBLE_DEVICES ends, as in CUDA, at the first entry that names no GPU. Unset or `all` bounds nothing; empty,
    `none`, `void` and `-1` allow none.
    """
    allowed = {gpu.uuid for gpu in gpus}
    entries = [entry.strip() for entry in environment.get("NVIDIA_VISIBLE_DEVICES", "").split(",")]
    unbound = entries[0] in ("", "all", "void") or entries[0].startswith("/")
    places_applied = all(entry.isdecimal() for entry in entries) and len(gpus) <= len(entries)
    if not unbound and not places_applied:
        allowed &= {gpu.uuid for entry in entries for gpu in _named(entry, gpus)}
    bound = environment.get("CUDA_VISIBLE_DEVICES", "all").strip()
    if bound != "all":
        named: set[str] = set()
        for entry in bound.split(","):
            found = _named(entry.strip(), gpus)
            if not found:
                break
            named |= {gpu.uuid for gpu in found}
        allowed &= named
    return frozenset(allowed)


def _named(entry: str, gpus: Sequence[Gpu]) -> list[Gpu]:
    """The GPUs an entry of a list of visible devices means: one, none, or all MIG ones for a MIG instance."""
    if entry.startswith("MIG-") or ":" in entry:  # 0:1 is instance 1 of GPU 0 to the container runtime
        return [gpu for gpu in gpus if gpu.mig]
    if entry.isdecimal():
        return [gpu for gpu in gpus if gpu.index == int(entry)]
    found = [gpu for gpu in gpus if entry.startswith("GPU-") and gpu.uuid.startswith(entry)]
    return found if len(found) == 1 else []
