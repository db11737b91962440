"""Takes that come, leave and end at random, for minutes."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from cli.gpu_check.parity import nano_requests
from deployments.llasa.engine import Engine
from deployments.llasa.protocol import TakeRequest


@dataclass(frozen=True, slots=True)
class Churn:
    """What came of the takes."""

    path: str
    """How the engine computed its steps."""
    whole: int
    as_alone: int
    """Whole takes with the codes that they have alone: all of them on a CPU; on a GPU, rounding may differ."""
    left: int
    """Takes that were cancelled."""


async def churn(engine: Engine, seconds: float) -> Churn:
    """Runs 20 takes at once, again and again, of which 6 are cancelled; each must end.

    Raises:
        Unavailable, ExceptionGroup: the engine has died.
        TimeoutError: a take did not end.
    """
    random = np.random.default_rng(0)
    requests = nano_requests()
    alone = [await _whole(engine, request) for request in requests]
    until = time.monotonic() + seconds
    whole = as_alone = left = 0
    while time.monotonic() < until:
        chosen = random.integers(0, len(requests), 14)
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            running = [group.create_task(_whole(engine, requests[n])) for n in chosen]
            for n in random.integers(0, len(requests), 6):
                group.create_task(_leave(engine, requests[n], int(random.integers(0, 3))))
                left += 1
        whole += len(running)
        as_alone += sum(task.result() == alone[n] for task, n in zip(running, chosen, strict=True))
    engine.check_health()
    return Churn(engine.path, whole, as_alone, left)


async def _whole(engine: Engine, request: TakeRequest) -> list[int]:
    return [code async for chunk in engine.generate(request) for code in chunk.codes.tolist()]


async def _leave(engine: Engine, request: TakeRequest, chunks: int) -> None:
    async with aclosing(engine.generate(replace(request, min_codes=200))) as stream:
        async for _ in stream:
            chunks -= 1
            if chunks < 0:
                break
