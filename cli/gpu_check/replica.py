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


@dataclass(slots=True)
class Figures:
    """Seconds, and bytes of memory."""

    path: str = ""
    wake: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage, in order."""
    used: int | None = None
    """Bytes of the GPU at the end, with CUDA's own; None on a CPU."""
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

    from deployments.llasa.checkpoint import load_checkpoint
    from deployments.llasa.engine import Engine
    from deployments.placement.memory import CONTEXT_BYTES

    stage("imports")
    before = torch.cuda.mem_get_info()[0] if given.device == "cuda" else 0
    stage("CUDA")
    checkpoint = load_checkpoint(given.folder, given.device, given.weights)
    stage("weights")
    engine = Engine(checkpoint, given.takes)
    stage("graphs")
    try:
        await _speed(engine, checkpoint.vocabulary.codec_size, 1, 1)
        stage("first codes")
        for concurrency in (count for count in given.concurrency if count <= given.takes):
            await _speed(engine, checkpoint.vocabulary.codec_size, concurrency, 10)  # warm
            figures.speed.append(await _speed(engine, checkpoint.vocabulary.codec_size, concurrency, given.codes))
        if given.device == "cuda":
            figures.used = before - torch.cuda.mem_get_info()[0] + CONTEXT_BYTES
        figures.path = engine.path
    finally:
        figures.closed = time.time()
        await asyncio.to_thread(engine.close)
    return figures


async def _speed(engine: Any, codec_size: int, concurrency: int, codes: int) -> dict[str, float]:
    """Generates takes of one length, each with a reference of its own."""
    import numpy as np

    from deployments.llasa.protocol import Sampling, TakeRequest

    random = np.random.default_rng([concurrency, codes])
    sampling = Sampling(temperature=0.8, top_k=50, top_p=0.95, repetition_penalty=1.1)
    before, begin = await engine.stats(), time.perf_counter()

    async def first_codes() -> float:
        reference = random.integers(0, codec_size, _REFERENCE).astype(np.int32)
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
