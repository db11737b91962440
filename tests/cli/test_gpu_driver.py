import pytest

from cli.gpu_check.driver import driver_problem, gpu_problem

CU126 = ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")
CU130 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")


@pytest.mark.parametrize(
    ("cuda", "driver", "words"),
    [
        ("13.0", "550.54.15", "The NVIDIA driver 550.54.15 is too old: torch was built for CUDA 13.0, which needs 580"),
        ("13.0", "575.57.08", 'on GPUs up to Hopper: Install "torch==2.13.0+cu126"'),
        ("12.6", "470.256.02", "which needs 525 or newer. Update the driver."),
        ("13.0", None, "There is no NVIDIA driver"),
        (None, "580.82.07", 'built without CUDA. Install "torch==2.13.0+cu130"'),
    ],
)
def test_a_driver_that_torch_cannot_use_is_named_with_what_to_do(
    cuda: str | None, driver: str | None, words: str
) -> None:
    assert words in (driver_problem(cuda, driver) or "")


@pytest.mark.parametrize(("cuda", "driver"), [("13.0", "580.65.06"), ("12.6", "550.54.15"), ("12.6", "590.1")])
def test_a_driver_that_is_new_enough_is_no_problem(cuda: str, driver: str) -> None:
    assert driver_problem(cuda, driver) is None


@pytest.mark.parametrize(("major", "minor"), [(7, 5), (8, 6), (8, 9), (9, 0)])
def test_both_builds_have_kernels_for_gpus_from_turing_to_hopper(major: int, minor: int) -> None:
    assert gpu_problem(CU126, major, minor) is None
    assert gpu_problem(CU130, major, minor) is None


@pytest.mark.parametrize(("major", "minor"), [(10, 0), (12, 0)])
def test_a_gpu_after_hopper_needs_the_newer_build(major: int, minor: int) -> None:
    assert gpu_problem(CU130, major, minor) is None
    told = gpu_problem(CU126, major, minor) or ""
    assert f"no kernels for a GPU of compute capability {major}.{minor}" in told
    assert '"torch==2.13.0+cu130"' in told


def test_portable_code_runs_on_any_newer_gpu() -> None:
    assert gpu_problem(("sm_75", "compute_90"), 12, 0) is None
    assert gpu_problem(("sm_75", "compute_120"), 10, 0)
