"""GPUs that are a file: what a test writes there, every process of a cluster reads."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deployments.placement.devices import Gpu, GpuProcess

GIB = 2**30


@dataclass(frozen=True)
class FileReader:
    """A `GpuReader` of the JSON list that `write_gpus` writes; no file is no driver."""

    path: str | Path

    def read(self) -> list[Gpu]:
        try:
            listed = json.loads(Path(self.path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return [Gpu(**(one | {"processes": tuple(GpuProcess(**p) for p in one["processes"])})) for one in listed]


def write_gpus(path: str | Path, gpus: Sequence[Gpu]) -> None:
    """Replaces the file as a whole: a reader meets the old state or the new one."""
    unfinished = Path(f"{path}.{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(gpu) for gpu in gpus]), encoding="utf-8")
    unfinished.replace(path)


def gpu(
    index: int, free: float, total: float = 24, *, mig: bool = False, processes: Sequence[tuple[int, float]] = ()
) -> Gpu:
    """GPU `GPU-<index>…` with so many GiB; processes are pid and GiB."""
    return Gpu(
        index=index,
        uuid=f"GPU-{index}0000000-aaaa-bbbb-cccc-{index:012}",
        name="Fake L4",
        total=int(total * GIB),
        used=int((total - free) * GIB),
        free=int(free * GIB),
        utilisation=0.5,
        mig=mig,
        processes=tuple(GpuProcess(pid, int(used * GIB)) for pid, used in processes),
    )
