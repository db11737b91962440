"""Physical GPUs of this node, as reported by NVML, and the ones that this process may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process with memory on a GPU."""

    pid: int
    """As the driver counts: inside a container often the host's pid, which is unknown there."""
    used: int | None
    """Bytes; None if the driver does not report it."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A physical GPU at the time of reading."""

    index: int
    """Index in PCI order: CUDA's numbering under CUDA_DEVICE_ORDER=PCI_BUS_ID."""
    uuid: str
    name: str
    total: int
    """Bytes, like `used` and `free`. Memory reserved by the driver counts in `total` only."""
    used: int
    free: int
    utilisation: float | None = None
    """0 to 1; None if the driver does not report it."""
    mig: bool = False
    """Whether it is partitioned by MIG."""
    processes: tuple[GpuProcess, ...] = ()


class GpuReader(Protocol):
    """Source of the state of the GPUs."""

    def read(self) -> list[Gpu]:
        """Returns all GPUs of the node in PCI order; none if there is no driver."""
        ...


class NvmlReader:
    """Reads by NVML, which needs no CUDA context and sees all GPUs of the node or container."""

    def read(self) -> list[Gpu]:
        """Returns all GPUs in PCI order; an empty list without driver, library or GPU.

        Skips GPUs that do not report their memory (lost, or sharing the CPU's memory): they could not be chosen by it.
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
            _supported(pynvml, pynvml.nvmlShutdown)


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
    rates = _supported(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
    mode = _supported(nvml, nvml.nvmlDeviceGetMigMode, handle)
    # By pid: a process that computes and draws is in both lists, with the same bytes.
    users = {
        process.pid: process.usedGpuMemory
        for query in (nvml.nvmlDeviceGetGraphicsRunningProcesses, nvml.nvmlDeviceGetComputeRunningProcesses)
        for process in _supported(nvml, query, handle) or ()
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


def _supported(nvml: Any, query: Any, *arguments: Any) -> Any:
    """Returns the answer, or None if this GPU or driver does not support the query."""
    try:
        return query(*arguments)
    except nvml.NVMLError:
        return None


def visible(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> frozenset[str]:
    """Returns the UUIDs that both NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES allow.

    Entries are indices in PCI order, UUIDs or unique prefixes of one. An entry that names a MIG instance allows every
    partitioned GPU, as NVML's list does not show which one has it.

    The container runtime applies NVIDIA_VISIBLE_DEVICES, so the list often shows its effect already: its indices are
    the host's, and are ignored if no more GPUs are present than it names; unset, empty, `all`, `void` (which the
    runtime writes when CDI added the GPUs) and paths exclude nothing; `none` allows none.

    CUDA_VISIBLE_DEVICES ends, as in CUDA, at the first entry that names no GPU. Unset or `all` excludes nothing; empty,
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
    """Returns the GPUs that an entry means: one, none, or all partitioned ones for a MIG instance."""
    if entry.startswith("MIG-") or ":" in entry:  # the container runtime's name of instance 1 of GPU 0 is 0:1
        return [gpu for gpu in gpus if gpu.mig]
    if entry.isdecimal():
        return [gpu for gpu in gpus if gpu.index == int(entry)]
    found = [gpu for gpu in gpus if entry.startswith("GPU-") and gpu.uuid.startswith(entry)]
    return found if len(found) == 1 else []
