import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.placement.devices import Gpu, GpuProcess, NvmlReader, visible
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus


class FakeError(Exception):
    """As `pynvml.NVMLError`."""


class FakeNvml:
    """As the module `pynvml`, on a node with two GPUs: one that tells everything, one that hardly does."""

    NVMLError = FakeError
    nvmlMemory_v2 = 2

    def __init__(self) -> None:
        self.open = 0
        self.old_driver = False

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index == 2:
            raise FakeError("lost")
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA L4"

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None) -> Any:
        if version and self.old_driver:
            raise FakeError("function not found")
        return SimpleNamespace(total=24, used=5 if version else 6, free=18)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if handle:
            raise FakeError("not supported")
        return SimpleNamespace(gpu=37)

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:
        if handle:
            raise FakeError("not supported")
        return [1, 0]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        if handle:
            raise FakeError("no permission")
        return [SimpleNamespace(pid=12, usedGpuMemory=3), SimpleNamespace(pid=11, usedGpuMemory=None)]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=12, usedGpuMemory=3)] if not handle else []


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    yield fake
    assert fake.open == 0


def test_each_field_is_what_nvml_tells(nvml: FakeNvml) -> None:
    assert NvmlReader().read()[0] == Gpu(
        index=0,
        uuid="GPU-0",
        name="NVIDIA L4",
        total=24,
        used=5,
        free=18,
        utilisation=0.37,
        mig=True,
        processes=(GpuProcess(11, None), GpuProcess(12, 3)),
    )


def test_what_a_gpu_does_not_support_is_unknown_and_a_lost_gpu_is_left_out(nvml: FakeNvml) -> None:
    (_, poor) = NvmlReader().read()
    assert (poor.index, poor.utilisation, poor.mig, poor.processes) == (1, None, False, ())


def test_an_old_driver_tells_its_memory_too(nvml: FakeNvml) -> None:
    nvml.old_driver = True
    assert [gpu.used for gpu in NvmlReader().read()] == [6, 6]


def test_without_a_library_or_a_driver_there_is_no_gpu(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise FakeError("driver not loaded")

    monkeypatch.setattr(nvml, "nvmlInit", no_driver)
    assert NvmlReader().read() == []
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert NvmlReader().read() == []


def test_the_real_library_never_raises() -> None:
    indices = [gpu.index for gpu in NvmlReader().read()]
    assert indices == sorted(indices)


FOUR = [gpu(0, 1), gpu(1, 1), gpu(2, 1), gpu(3, 1)]
UUIDS = [gpu.uuid for gpu in FOUR]


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("all", [0, 1, 2, 3]),
        ("2,0", [0, 2]),
        (" 1 , 3 ", [1, 3]),
        ("1,1", [1]),
        (f"{UUIDS[3]},GPU-1", [1, 3]),
        ("GPU-", []),  # no unique beginning
        ("1,7,2", [1]),  # CUDA stops at what it does not know
        ("1,-1,2", [1]),
        ("", []),
        ("none", []),
        ("void", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("MIG-6b2e1f50-0000-0000-0000-000000000000", []),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(value: str, allowed: list[int]) -> None:
    assert visible(FOUR, {"CUDA_VISIBLE_DEVICES": value}) == {UUIDS[index] for index in allowed}


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("all", [0, 1, 2, 3]),
        ("", [0, 1, 2, 3]),
        ("void", [0, 1, 2, 3]),  # the container runtime writes this when CDI brought the GPUs
        ("/var/run/nvidia-container-devices", [0, 1, 2, 3]),
        ("none", []),
        ("3,1", [1, 3]),
        ("GPU-2", [2]),
        ("nonsense,0", [0]),
    ],
)
def test_nvidia_visible_devices_is_read_as_the_container_runtime_reads_it(value: str, allowed: list[int]) -> None:
    assert visible(FOUR, {"NVIDIA_VISIBLE_DEVICES": value}) == {UUIDS[index] for index in allowed}


def test_places_of_the_host_mean_nothing_in_a_container_that_shows_only_those() -> None:
    # docker run --gpus '"device=2,3"': NVML counts the two from 0
    assert visible(FOUR[:2], {"NVIDIA_VISIBLE_DEVICES": "2,3"}) == set(UUIDS[:2])


def test_both_bounds_hold() -> None:
    assert visible(FOUR, {"NVIDIA_VISIBLE_DEVICES": "0,1", "CUDA_VISIBLE_DEVICES": "1,2"}) == {UUIDS[1]}
    assert visible(FOUR, {}) == set(UUIDS)


@pytest.mark.parametrize(
    "bound", [{"CUDA_VISIBLE_DEVICES": "MIG-6b2e1f50"}, {"NVIDIA_VISIBLE_DEVICES": "0:1"}], ids=["uuid", "place"]
)
def test_a_mig_instance_is_on_one_of_the_gpus_that_are_cut(bound: dict[str, str]) -> None:
    cut = gpu(1, 1, mig=True)
    assert visible([FOUR[0], cut, FOUR[2]], bound) == {cut.uuid}


def test_a_file_of_gpus_reads_back(tmp_path: Path) -> None:
    listed = [gpu(0, 3.5, processes=[(7, 20)]), gpu(1, 24, mig=True)]
    write_gpus(tmp_path / "gpus.json", listed)
    assert FileReader(tmp_path / "gpus.json").read() == listed
    assert listed[0].free == 3.5 * GIB
    assert FileReader(tmp_path / "none.json").read() == []
