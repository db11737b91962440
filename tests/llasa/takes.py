"""Takes of a small random Llama, without an engine."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from deployments.errors import Unavailable
from deployments.llasa.protocol import FinishReason, Sampling
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps
from deployments.llasa.take import RunningTake
from deployments.llasa.weights import Weights
from deployments.placement.memory import LlamaShape

CODES = 500
END = CODES
SHAPE = LlamaShape(96, 160, 3, 6, 2, 16, CODES + 100)
WINDOW = 512
SLOTS = 6


class AtOnce:
    """An event loop that calls at once."""

    def call_soon_threadsafe(self, function: Callable[..., None], *args: Any) -> None:
        function(*args)


def take(number: int, **fields: Any) -> RunningTake:
    random = np.random.default_rng(number)
    prompt = random.integers(END + 1, SHAPE.vocabulary, int(random.integers(1, 300)))
    settings: dict[str, Any] = {
        "prompt": prompt,
        "limit": int(random.integers(1, 120)),
        "min_codes": 0,
        "sampling": Sampling(temperature=1.2, top_k=(0, 50, 400)[number % 3], repetition_penalty=1.1, seed=number),
        "unknown_characters": False,
        "loop": AtOnce(),
    }
    return RunningTake(**settings | fields)


def outcome(take: RunningTake) -> tuple[list[int], FinishReason | None] | str:
    codes: list[int] = []
    while not take.chunks.empty():
        item = take.chunks.get_nowait()
        if isinstance(item, Unavailable):
            return item.message
        codes += item.codes.tolist()
        finish = item.finish
    return codes, finish


def run(scheduler: Scheduler, *takes: RunningTake) -> None:
    scheduler.waiting.extend(takes)
    with torch.inference_mode():
        while not scheduler.idle:
            scheduler.advance()


def alone(weights: Weights, number: int, **fields: Any) -> tuple[list[int], FinishReason | None] | str:
    slots = Slots(weights, SLOTS, WINDOW)
    one = take(number, **fields)
    run(Scheduler(slots, EagerSteps(slots, as_graphs=True), END), one)
    return outcome(one)
