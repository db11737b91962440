"""Measures a size of Llasa in processes of its own: start, speed, memory, sleep and end, for each type of weights."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cli.gpu_check.random_checkpoint import write_checkpoint
from cli.gpu_check.replica import Figures
from deployments.errors import Unavailable
from deployments.placement.memory import CODEC_SIZE, SHAPES, LlamaShape, MemoryPlan
from deployments.profiles import PROFILES, WeightType

_TINY: Final = LlamaShape(192, 576, 4, 6, 3, 32, 2600)
_TINY_CODEC: Final = 2048
CONCURRENCY: Final = (1, 8, 16, 64)


@dataclass(slots=True)
class Result:
    """Figures of a size with a type of weights. Bytes and seconds."""

    size: str
    weights: WeightType
    takes: int = 0
    """Slots: as many as the profile has and the plan allows; 0 if none fits."""
    planned: int | None = None
    """None on a CPU, whose memory is not planned."""
    offload: float = 0
    """From the order to leave to the end of the process."""
    figures: Figures | None = None
    failure: str | None = None


def measure_size(size: str, types: Sequence[WeightType], device: str, free: int, codes: int) -> list[Result]:
    """Writes a random checkpoint and runs a replica for each type of weights.

    Args:
        size: `tiny`, `1b`, `3b` or `8b`.
        types: Types of weights.
        device: `cuda` or `cpu`.
        free: Bytes of the GPU that can be used.
        codes: Length of the takes.
    """
    shape, codec_size = (_TINY, _TINY_CODEC) if size == "tiny" else (SHAPES[f"llasa-{size}"], CODEC_SIZE)
    profile = PROFILES["nano" if size == "tiny" else f"llasa-{size}"]
    results = []
    with TemporaryDirectory() as folder:
        for weights in types:
            result = Result(size, weights)
            results.append(result)
            if device == "cpu":
                result.takes = profile.takes
            else:
                try:
                    typed = replace(shape, weights=weights)
                    plan = MemoryPlan.fit(free, typed, profile.takes, f"llasa-{size}", shared=False)
                    result.takes, result.planned = plan.takes, typed.replica(plan.takes, codec_size)
                except Unavailable as error:
                    result.failure = error.message
                    continue
            if not (Path(folder) / "config.json").exists():
                write_checkpoint(Path(folder), shape, codec_size, device)
            _run(result, [folder, device, weights, str(result.takes), str(codes), *map(str, CONCURRENCY)])
    return results


def _run(result: Result, arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "cli.gpu_check.replica", *arguments]
    begin = time.time()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        output, errors = process.communicate()
    end = time.time()
    if process.returncode:
        result.failure = f"the replica ended with {process.returncode}: {errors.strip().splitlines()[-1:]}"
        return
    figures = result.figures = Figures(**json.loads(output))
    figures.wake = {"process": figures.started - begin, **figures.wake}
    result.offload = end - figures.closed
    if result.planned and figures.used and figures.used > result.planned:
        result.failure = "it uses more memory than was planned"


def describe(result: Result) -> list[str]:
    """Returns the lines of a page."""
    title = f"{result.size}, weights {result.weights}, {result.takes} takes: "
    figures = result.figures
    if not figures:
        return [title + f"not run: {result.failure}"]
    wake = ", ".join(f"{name} {seconds:.2f}" for name, seconds in figures.wake.items())
    lines = [title + figures.path]
    if result.planned and figures.used:
        lines.append(f"  memory: {figures.used / 2**30:.2f} GiB used, {result.planned / 2**30:.2f} GiB planned")
    lines.append(f"  start: {sum(figures.wake.values()):.2f} s ({wake}); end: {result.offload:.2f} s")
    lines += ["  " + ", ".join(f"{name} {value:.4g}" for name, value in row.items()) for row in figures.speed]
    asleep = f"{figures.asleep / 2**30:.2f} GiB of the GPU used; " if figures.asleep else ""
    lines.append(f"  asleep: {asleep}" + ", ".join(f"{name} {value:.2f} s" for name, value in figures.sleeps.items()))
    return lines
