"""A process that does what a replica does: it loads a checkpoint, generates and leaves. Prints its figures as JSON."""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_TEXT: Final = " ".join(["word"] * 110)
_REFERENCE: Final = 375
"""Codes of a reference of 7.5 s."""
_CODES: Final = 2048
"""Codes that each size has."""


@dataclass(slots=True)
class Figures:
    """Seconds, and bytes of memory."""

    path: str = ""
    wake: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage, in order."""
    used: int | None = None
    """Bytes of the GPU before it sleeps, with CUDA's own; None on a CPU."""
    asleep: int | None = None
    """Bytes of the GPU while it sleeps, with CUDA's own; None on a CPU."""
    sleeps: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage of two sleeps and wakes, in order."""
    speed: list[dict[str, float]] = field(default_factory=list)
    started: float = field(default_factory=time.time)
    """Seconds since the epoch, as below."""
    closed: float = 0
    """When it began to leave."""


async def measure(given: argparse.Namespace) -> Figures:
    """Loads, generates and measures."""
    figures, begin = Figures(), time.perf_counter()

    def stage(name: str) -> None:
        nonlocal begin
        figures.wake[name], begin = time.perf_counter() - begin, time.perf_counter()

    import torch

    from deployments.llasa.checkpoint import CheckpointFolder
    from deployments.llasa.sleeper import SleepingLlasa
    from deployments.placement.gpu_loader import sleep_on_gpu
    from deployments.placement.memory import CONTEXT_BYTES

    stage("imports")
    before = torch.cuda.mem_get_info()[0] if given.device == "cuda" else 0
    stage("CUDA")
    folder = CheckpointFolder(given.folder, given.device, given.weights)
    checkpoint = folder.load()
    stage("weights")
    llasa = SleepingLlasa(folder, given.takes, checkpoint)
    del checkpoint  # it keeps the weights in memory
    stage("graphs")

    def used() -> int | None:
        return before - torch.cuda.mem_get_info()[0] + CONTEXT_BYTES if given.device == "cuda" else None

    def sleep() -> None:
        llasa.sleep()
        sleep_on_gpu(None)

    try:
        await _speed(llasa.engine, 1, 1)
        stage("first codes")
        for concurrency in (count for count in given.concurrency if count <= given.takes):
            await _speed(llasa.engine, concurrency, 10)  # warm
            figures.speed.append(await _speed(llasa.engine, concurrency, given.codes))
        figures.used, figures.path = used(), llasa.engine.path
        for number in ("first", "second"):
            begin = time.perf_counter()
            for name, move in (
                ("host copy", llasa.prepare),
                ("sleep", sleep),
                ("wake", lambda: llasa.wake(given.takes)),
            ):
                await asyncio.to_thread(move)
                figures.sleeps[f"{number} {name}"], begin = time.perf_counter() - begin, time.perf_counter()
                if name == "sleep":
                    figures.asleep = used()
            await _speed(llasa.engine, 1, 1)
            figures.sleeps[f"{number} first codes"] = time.perf_counter() - begin
    finally:
        figures.closed = time.time()
        await asyncio.to_thread(llasa.engine.close)
    return figures


async def _speed(engine: Any, concurrency: int, codes: int) -> dict[str, float]:
    """Generates takes of one length, each with a reference of its own."""
    import numpy as np

    from deployments.llasa.protocol import Sampling, TakeRequest

    random = np.random.default_rng([concurrency, codes])
    sampling = Sampling(temperature=0.8, top_k=50, top_p=0.95, repetition_penalty=1.1)
    before, begin = await engine.stats(), time.perf_counter()

    async def first_codes() -> float:
        reference = random.integers(0, _CODES, _REFERENCE).astype(np.int32)
        request = TakeRequest(_TEXT, "", reference, sampling=sampling, min_codes=codes, max_codes=codes)
        seconds = [time.perf_counter() - begin async for _ in engine.generate(request)]
        return seconds[0]

    first = await asyncio.gather(*(first_codes() for _ in range(concurrency)))
    seconds = time.perf_counter() - begin
    steps = (await engine.stats()).steps - before.steps
    return {
        "at once": concurrency,
        "audio s/s": concurrency * codes / 50 / seconds,
        "RTF": seconds / (codes / 50),
        "ms a step": seconds / steps * 1e3,
        "first codes s": float(np.median(first)),
    }


def main() -> int:
    """Runs it with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="cli.gpu_check.replica", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("device")
    parser.add_argument("weights")
    parser.add_argument("takes", type=int)
    parser.add_argument("codes", type=int)
    parser.add_argument("concurrency", type=int, nargs="+")
    figures = asyncio.run(measure(parser.parse_args()))
    print(json.dumps(asdict(figures)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
