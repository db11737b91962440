from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from deployments.errors import Unavailable
from deployments.llasa.protocol import CodeChunk
from deployments.llasa.reader import PromptReader
from deployments.llasa.sampler import Features
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps, Steps, Tokens
from deployments.llasa.take import RunningTake
from deployments.llasa.weights import Weights
from tests.llasa.takes import END, SHAPE, SLOTS, WINDOW, alone, outcome, run, take


@pytest.mark.parametrize("as_graphs", [False, True])
@pytest.mark.parametrize("others", [1, 2, 3])
def test_background_takes_stand_still_until_the_first_codes_of_others(
    weights: Weights, as_graphs: bool, others: int
) -> None:
    slots = Slots(weights, SLOTS, WINDOW)
    scheduler = Scheduler(slots, EagerSteps(slots, as_graphs=as_graphs), END)
    behind = [take(number, min_codes=30, limit=60, background=True) for number in (1, 2)]
    first = [take(number, min_codes=30, limit=60) for number in range(3, 3 + others)]
    scheduler.waiting.extend(behind)
    with torch.inference_mode():
        while not all(one.sent for one in behind):
            scheduler.advance()
        scheduler.waiting.extend(first)
        steps = [one.steps for one in behind]
        while not any(one.sent for one in first):
            scheduler.advance()
        # Slots of further takes lie above those behind, which their steps then reach.
        assert ([one.steps for one in behind] == steps) is (others == 1)
        while not scheduler.idle:
            scheduler.advance()
    for number, one in enumerate((*behind, *first), 1):
        assert outcome(one) == alone(weights, number, min_codes=30, limit=60)


class OutOfMemory(EagerSteps):
    """Steps that fail with more than so many takes, until memory returns."""

    def __init__(self, slots: Slots, most: int) -> None:
        super().__init__(slots)
        self.most = most

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        if sum(map(bool, lengths)) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().run(lengths, features)


def test_when_memory_is_short_fewer_takes_go_on_and_all_end_as_they_would_have(weights: Weights) -> None:
    def outcomes(steps: Callable[[Slots], Steps]) -> tuple[list[Any], int]:
        slots = Slots(weights, SLOTS, WINDOW)
        scheduler = Scheduler(slots, steps(slots), END)
        takes = [take(number) for number in range(10)]
        run(scheduler, *takes)
        return [outcome(one) for one in takes], scheduler.largest_batch

    enough, _ = outcomes(EagerSteps)
    short, largest = outcomes(lambda slots: OutOfMemory(slots, 2))
    assert short == enough
    assert largest <= 2


def test_a_take_that_does_not_fit_alone_fails_and_the_next_is_tried(weights: Weights) -> None:
    slots = Slots(weights, SLOTS, WINDOW)
    steps = OutOfMemory(slots, 0)
    scheduler = Scheduler(slots, steps, END)
    first, second = take(1), take(2)
    run(scheduler, first)
    steps.most = 1
    run(scheduler, second)
    assert outcome(first) == "The memory does not suffice for one take: CUDA out of memory"
    assert outcome(second) == alone(weights, 2)


def test_a_short_prompt_does_not_wait_for_the_whole_of_a_long_one(weights: Weights) -> None:
    slots = Slots(weights, SLOTS, 2048)
    scheduler = Scheduler(slots, EagerSteps(slots), END)
    random = np.random.default_rng(0)
    long, short = (take(1, prompt=random.integers(END + 1, SHAPE.vocabulary, n), limit=1) for n in (1800, 100))
    scheduler.waiting.append(long)
    with torch.inference_mode():
        scheduler.advance()
        scheduler.waiting.append(short)
        for _ in range(3):
            scheduler.advance()
    assert not short.chunks.empty()
    assert long.chunks.empty()
    run(scheduler)
    assert not long.chunks.empty()


def test_of_many_different_prompts_each_is_compared_with_the_others_once_or_twice(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[RunningTake] = []
    reuse = PromptReader._reuse

    def counting(reader: PromptReader, slot: int, take: RunningTake) -> bool:
        searched.append(take)
        return reuse(reader, slot, take)

    monkeypatch.setattr(PromptReader, "_reuse", counting)
    run(
        Scheduler(slots := Slots(weights, 24, WINDOW), EagerSteps(slots), END),
        *(take(number, limit=2) for number in range(48)),
    )
    assert 48 <= len(searched) <= 2 * 48


def test_chunks_end_where_the_codecs_windows_do(weights: Weights) -> None:
    slots = Slots(weights, 1, WINDOW)
    one = take(1, limit=130, min_codes=130)
    run(Scheduler(slots, EagerSteps(slots), END), one)
    chunks: list[CodeChunk | Unavailable] = []
    while not one.chunks.empty():
        chunks.append(one.chunks.get_nowait())
    assert [len(chunk.codes) for chunk in chunks if isinstance(chunk, CodeChunk)] == [24, 20, 40, 40, 6]
