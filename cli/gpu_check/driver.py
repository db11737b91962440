"""Says in words why this torch cannot use this GPU: the driver is too old, or the GPU too new."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

_LEAST_DRIVERS: Final = {12: 525, 13: 580}
"""Oldest driver of each major version of CUDA: docs.nvidia.com/deploy/cuda-compatibility, minor versions."""
_OLDER: Final = "cu126"
"""Build of torch 2.13 for old drivers, which has no kernels for GPUs after Hopper: pytorch/pytorch, RELEASE.md."""
_NEWER: Final = "cu130"


def driver_problem(cuda: str | None, driver: str | None) -> str | None:
    """Returns why torch finds no GPU and what to do, or None if the driver is not the reason.

    Args:
        cuda: CUDA's version that torch was built for, as `torch.version.cuda`.
        driver: Version of NVIDIA's driver; None if there is none.
    """
    if cuda is None:
        return f"This torch was built without CUDA. {_install(_NEWER)}"
    if driver is None:
        return (
            "There is no NVIDIA driver, or it cannot be reached: see what nvidia-smi says (in Docker, `--gpus all` and "
            "NVIDIA's container toolkit)."
        )
    major = int(cuda.partition(".")[0])
    least = _LEAST_DRIVERS.get(major)
    if least is None or int(driver.partition(".")[0]) >= least:
        return None
    advice = f" Or, on GPUs up to Hopper: {_install(_OLDER)}" if major > min(_LEAST_DRIVERS) else ""
    return (
        f"The NVIDIA driver {driver} is too old: torch was built for CUDA {cuda}, which needs {least} or newer. Update "
        f"the driver.{advice}"
    )


def gpu_problem(architectures: Sequence[str], major: int, minor: int) -> str | None:
    """Returns why torch has no kernels for a GPU and what to do, or None if it has some.

    Args:
        architectures: As `torch.cuda.get_arch_list()`, such as `sm_90`, or `compute_120` for code that any newer GPU
            compiles.
        major: Major number of the GPU's compute capability.
        minor: Its minor number.
    """
    for architecture in architectures:
        kind, _, digits = architecture.partition("_")
        number = int(digits.rstrip("af"))
        if kind == "compute" and number <= 10 * major + minor:
            return None
        if number // 10 == major and number % 10 <= minor:  # kernels run on later GPUs of the same major number
            return None
    if not architectures:
        return None
    return (
        f"This torch has no kernels for a GPU of compute capability {major}.{minor}, only for "
        f"{', '.join(architectures)}. {_install(_NEWER)} It needs the driver {_LEAST_DRIVERS[13]}."
    )


def _install(build: str) -> str:
    torch = version("torch").partition("+")[0]
    return f'Install "torch=={torch}+{build}" with `--extra-index-url https://download.pytorch.org/whl/{build}`.'
