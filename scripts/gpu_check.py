"""Checks the engine on a GPU that it has never met: one command, no download, a page of text and a JSON to keep.

python -m scripts.gpu_check                                   # parity, churn, memory and speed of 1B, 3B and 8B
python -m scripts.gpu_check --sizes 1b --seconds 20 --json gpu.json
python -m scripts.gpu_check --device cpu --sizes --seconds 5  # whether the check itself runs

It exits with 1 if the engine died, a take was lost, or more memory was used than planned.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from deployments.errors import Unavailable
from deployments.llasa.checkpoint import Checkpoint, load_checkpoint
from deployments.llasa.engine import CONTEXT, Engine
from deployments.llasa.model import Llama
from deployments.llasa.protocol import Sampling, TakeRequest
from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots
from deployments.llasa.steps import fastest_steps
from deployments.nano.weights import verified
from deployments.placement.memory import CONTEXT_BYTES, SHAPES
from deployments.profiles import PROFILES
from deployments.voices.shipped import shipped_voices
from scripts.bench import engine as engine_benchmark
from scripts.bench.machine import Machine, synchronize
from scripts.random_checkpoints.weights import random_weights

TEXTS = (
    "The old man walked to the river.",
    "She likes the small red house, and her friend has seven good books.",
    "We found the key in the garden.",
    "The sun is up, and a new day can begin.",
)
_TIMED_STEPS = 50


@dataclass
class Report:
    machine: Machine
    driver: str
    parity: dict[str, float] = field(default_factory=dict)
    """Against float32 on the CPU, fed with the same codes."""
    path: str = ""
    """How the engine computes its steps."""
    churn: dict[str, int] = field(default_factory=dict)
    memory: list[dict[str, float | str]] = field(default_factory=list)
    """Planned and used GiB, and milliseconds a step, by size."""
    benchmarks: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def requests() -> list[TakeRequest]:
    """Takes of several voices and lengths, greedy and sampled."""
    voices = [*shipped_voices().values()]
    return [
        TakeRequest(text, voice.text, voice.codes, sampling=Sampling(temperature=0.8 * (n % 2), seed=n), max_codes=250)
        for n, (text, voice) in enumerate((text, voice) for text in TEXTS for voice in voices[:2])
    ]


def check_parity(report: Report, device: str) -> None:
    """Feeds both devices the codes that the CPU likes best, and compares logits and the best code at each step."""
    models = [load_checkpoint(str(verified("llasa")), name) for name in ("cpu", device)]
    agree = steps = 0
    errors: list[float] = []
    with torch.inference_mode():
        for request in requests()[:2]:
            llamas = [Llama(model.weights, 1, CONTEXT) for model in models]
            tokens = models[0].prompts.build(request)
            for llama, model in zip(llamas, models, strict=True):
                llama.prefill(0, torch.tensor(tokens[:-1], device=model.weights.device), 0)
            token = tokens[-1]
            for position in range(len(tokens) - 1, len(tokens) + 99):
                one, other = (
                    _logits(llama, model, token, position) for llama, model in zip(llamas, models, strict=True)
                )
                token = int(one[: models[0].vocabulary.codec_size].argmax())
                agree += token == int(other[: models[0].vocabulary.codec_size].argmax())
                errors.append(float((one - other).abs().max()))
                steps += 1
    report.parity = {
        "steps": steps,
        "same best code": agree / steps,
        "largest error of a logit": max(errors),
        "median of the largest errors": float(np.median(errors)),
    }


def _logits(llama: Llama, model: Checkpoint, token: int, position: int) -> torch.Tensor:
    device = model.weights.device
    return llama.decode(torch.tensor([token], device=device), torch.tensor([position], device=device), CONTEXT)[0].cpu()


async def check_churn(report: Report, device: str, seconds: float) -> None:
    """Takes come, leave and end at random; each whole one is compared with what it was alone."""
    engine = Engine(load_checkpoint(str(verified("llasa")), device), 16)
    random = np.random.default_rng(0)
    counts = {"whole": 0, "as alone": 0, "left": 0}

    async def whole(request: TakeRequest) -> list[int]:
        return [code async for chunk in engine.generate(request) for code in chunk.codes.tolist()]

    async def leaving(request: TakeRequest, chunks: int) -> None:
        async with aclosing(engine.generate(replace(request, min_codes=200))) as stream:
            async for _ in stream:
                chunks -= 1
                if chunks < 0:
                    break
        counts["left"] += 1

    try:
        takes = requests()
        alone = [await whole(request) for request in takes]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            chosen = random.integers(0, len(takes), 14)
            async with asyncio.timeout(120), asyncio.TaskGroup() as group:
                running = [group.create_task(whole(takes[n])) for n in chosen]
                for n in random.integers(0, len(takes), 6):
                    group.create_task(leaving(takes[n], int(random.integers(0, 3))))
            counts["whole"] += len(running)
            counts["as alone"] += sum(task.result() == alone[n] for task, n in zip(running, chosen, strict=True))
        engine.check_health()
        report.path = engine.path
        report.churn = counts
    except (Unavailable, TimeoutError, ExceptionGroup) as error:
        report.failures.append(f"churn: {type(error).__name__}: {error}")
    finally:
        await asyncio.to_thread(engine.close)


def check_memory(report: Report, size: str, device: str) -> None:
    """Compares a plan with what the engine's buffers and graphs use, and times its steps."""
    name = f"llasa-{size}"
    shape, takes = SHAPES[name], PROFILES[name].takes
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.mem_get_info()[0]
    with torch.inference_mode():
        slots = Slots(random_weights(shape, device), takes, CONTEXT)
        begin = time.perf_counter()
        steps = fastest_steps(slots)
        captured = time.perf_counter() - begin
        slots.prefill(0, np.arange(512), 1024)
        row: dict[str, float | str] = {
            "size": size,
            "takes": takes,
            "planned GiB": shape.replica(takes) / 2**30,
            "used GiB": (before - torch.cuda.mem_get_info()[0] + CONTEXT_BYTES) / 2**30,
            "capture s": captured,
        }
        with steps.context():
            for batch in (batch for batch in (1, 8, 16, 64) if batch <= takes):
                begin = time.perf_counter()
                for _ in range(_TIMED_STEPS):
                    tokens = steps.run([700] * batch, Features())
                tokens()
                synchronize(device)
                row[f"ms a step at {batch}"] = (time.perf_counter() - begin) / _TIMED_STEPS * 1e3
    report.memory.append(row)
    if float(row["used GiB"]) > float(row["planned GiB"]):
        report.failures.append(f"memory: {size} uses more than was planned")
    del slots, steps
    gc.collect()
    torch.cuda.empty_cache()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the checks and prints the report."""
    parser = argparse.ArgumentParser(prog="scripts.gpu_check", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=120, help="of takes that come and leave")
    parser.add_argument("--sizes", nargs="*", choices=["1b", "3b", "8b"], default=["1b", "3b", "8b"])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    report = Report(Machine.of(options.device), str(torch.version.cuda))
    check_parity(report, options.device)
    asyncio.run(check_churn(report, options.device, options.seconds))
    for size in options.sizes:
        try:
            check_memory(report, size, options.device)
        except torch.OutOfMemoryError as error:
            report.memory.append({"size": size, "does not fit": str(error).splitlines()[0]})
    for size in options.sizes:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "figures.json"
            try:
                engine_benchmark.main(["--size", size, "--device", options.device, "--json", str(file)])
                report.benchmarks.append(json.loads(file.read_text(encoding="utf-8")))
            except torch.OutOfMemoryError as error:
                report.benchmarks.append({"size": size, "does not fit": str(error).splitlines()[0]})
    print(_text(report))
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return 1 if report.failures else 0


def _text(report: Report) -> str:
    lines = [str(report.machine), f"CUDA {report.driver}", report.path]
    rows: list[tuple[str, Mapping[str, Any]]] = [("parity", report.parity), ("churn", report.churn)]
    rows += [("memory", row) for row in report.memory]
    for title, figures in rows:
        lines.append(f"{title}: " + ", ".join(f"{name} {_number(value)}" for name, value in figures.items()))
    lines += [f"FAILED {failure}" for failure in report.failures] or ["passed"]
    return "\n".join(lines)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
