"""`llasa-serve gpu-check`: runs the checks, and prints a page of text."""

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import torch

from cli.gpu_check.churn import Churn, churn
from cli.gpu_check.codec import CodecCheck, check_codec
from cli.gpu_check.driver import driver_problem, gpu_problem
from cli.gpu_check.parity import Parity, compare, nano_requests
from cli.gpu_check.sizes import Result, describe, measure_size
from deployments.errors import Unavailable
from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.engine import Engine
from deployments.llasa.linear import check_weights
from deployments.nano.weights import verified
from deployments.profiles import WeightType

_STEPS: Final = 100
_LEAST_AGREEMENT: Final = 0.9
"""Fraction of equal codes below which the 16-bit engine is wrong: bfloat16 alone changes a few of a hundred."""

_LEAST_DECIBELS: Final = 40


@dataclass
class Report:
    """What the checks found."""

    device: str
    software: str
    parity: dict[str, Parity] = field(default_factory=dict)
    """Of the embedded Llasa with each type of weights, against the CPU's 16 bits."""
    refused: list[str] = field(default_factory=list)
    """Types of weights that the device does not compute with."""
    codec: CodecCheck | None = None
    churn: Churn | None = None
    sizes: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.device, self.software, "", f"The embedded Llasa against the CPU, {_STEPS} codes of each prompt:"]
        for weights, parity in self.parity.items():
            lines.append(
                f"  {weights}: {parity.same_code:.1%} of {parity.steps} codes equal; error of a logit "
                f"{parity.mean_error:.3g} (largest {parity.largest_error:.3g}, spread {parity.spread:.3g})"
            )
        lines += [f"  {line}" for line in self.refused]
        if self.codec:
            lines += ["", str(self.codec)]
        if self.churn:
            lines += [
                "",
                f"Takes that come and leave: {self.churn.path}",
                f"  {self.churn.whole} whole, {self.churn.as_alone} of them as alone; {self.churn.left} cancelled",
            ]
        if self.sizes:
            lines += ["", "Random weights:", *(line for result in self.sizes for line in describe(result))]
        return "\n".join([*lines, "", *([f"FAILED: {failure}" for failure in self.failures] or ["Passed."])])


def run_gpu_check(given: argparse.Namespace) -> int:
    """Runs the checks and prints the report; returns the exit status."""
    device = given.device
    if device == "cuda" and (problem := _problem()):
        print(
            f"There is no usable CUDA GPU for torch {torch.__version__}. {problem} "
            "`llasa-serve gpu-check --device cpu` runs the parts that need none.",
            file=sys.stderr,
        )
        return 1
    report = Report(_device(device), _software())
    types = _check_parity(report, device, given.weights or get_args(WeightType))
    _check_codec(report, device)
    _check_churn(report, device, given.seconds)
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else 0
    sizes = given.sizes if given.sizes is not None else ["tiny"] if device == "cpu" else ["1b", "3b", "8b"]
    for size in sizes:
        print(f"Measuring {size} ...", file=sys.stderr, flush=True)
        report.sizes += measure_size(size, types, device, free, given.codes)
    report.failures += [
        f"{result.size}, {result.weights}: {result.failure}"
        for result in report.sizes
        if result.failure and result.takes
    ]
    print(report)
    if given.json:
        Path(given.json).write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return 1 if report.failures else 0


def _check_parity(report: Report, device: str, wanted: Sequence[WeightType]) -> list[WeightType]:
    """Returns the types of weights that the device computes with."""
    folder = str(verified("llasa"))
    reference = load_checkpoint(folder)
    prompts = [reference.prompts.build(request) for request in nano_requests()[::4]]
    types = []
    for weights in wanted:
        try:
            check_weights(weights, device)
        except Unavailable as error:
            report.refused.append(error.message)
            continue
        types.append(weights)
        other = load_checkpoint(folder, device, weights)
        report.parity[weights] = compare(reference.weights, other.weights, prompts, _STEPS)
    if "auto" in types and report.parity["auto"].same_code < _LEAST_AGREEMENT:
        report.failures.append("the GPU chooses other codes than the CPU")
    return types


def _check_codec(report: Report, device: str) -> None:
    codec = report.codec = check_codec(device)
    if min(codec.same_codes, codec.decibels / _LEAST_DECIBELS) < _LEAST_AGREEMENT:
        report.failures.append("the GPU's codec is not the CPU's")
    if codec.used and codec.used > codec.planned:
        report.failures.append("the codec uses more memory than was planned")


def _check_churn(report: Report, device: str, seconds: float) -> None:
    engine = Engine(load_checkpoint(str(verified("llasa")), device), 16)
    try:
        report.churn = asyncio.run(churn(engine, seconds))
    except (Unavailable, TimeoutError, ExceptionGroup) as error:
        report.failures.append(f"takes that come and leave: {type(error).__name__}: {error}")
    finally:
        engine.close()


def _device(device: str) -> str:
    if device == "cpu":
        return f"{platform.processor() or platform.machine()}, no GPU"
    card: Any = torch.cuda.get_device_properties(0)
    return f"{card.name}, {card.total_memory / 2**30:.1f} GiB, compute capability {card.major}.{card.minor}"


def _software() -> str:
    driver, python = _driver() or "none", platform.python_version()
    return f"torch {torch.__version__}, CUDA {torch.version.cuda}, driver {driver}, Python {python}"


def _problem() -> str | None:
    """Returns why there is no GPU to check, or None if there is one."""
    if not torch.cuda.is_available():
        return driver_problem(torch.version.cuda, _driver()) or "nvidia-smi may say why."
    return gpu_problem(torch.cuda.get_arch_list(), *torch.cuda.get_device_capability())


def _driver() -> str | None:
    import pynvml  # type: ignore[import-untyped]

    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return None
