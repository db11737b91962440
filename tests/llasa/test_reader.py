"""Reading prompts beside the steps."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa.protocol import Sampling
from deployments.llasa.reader import PromptReader
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps
from deployments.llasa.take import RunningTake
from deployments.llasa.weights import Weights
from tests.llasa.test_slots import CODES, END, SHAPE, WINDOW, outcome, run, take


@pytest.fixture
def weights() -> Weights:
    return random_weights(SHAPE, codec_size=CODES)


@pytest.fixture(autouse=True)
def idle_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: torch.get_num_threads() + 1)


class Gate(Slots):
    """Slots whose prompts are computed when a gate opens."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights, 3, WINDOW)
        self.open = threading.Event()

    def prefill(self, slot: int, tokens: NDArray[np.int64], start: int) -> None:
        assert self.open.wait(30)
        super().prefill(slot, tokens, start)


def prompt_of(count: int) -> RunningTake:
    return take(1, prompt=np.arange(count) + END + 1, limit=5)


def test_steps_do_not_wait_for_a_prompt(weights: Weights) -> None:
    slots = Gate(weights)
    reader = PromptReader(slots)
    reader.add(0, one := prompt_of(50))
    assert reader.read(speaking=1) == {}
    assert reader.read(speaking=1) == {}
    slots.open.set()
    reader.read(speaking=0)  # there is nothing to step: it waits
    assert reader.read(speaking=0) == {0: one}
    reader.close()


def test_a_slot_is_not_free_while_its_prompt_is_computed(weights: Weights) -> None:
    slots = Gate(weights)
    reader = PromptReader(slots)
    reader.add(0, prompt_of(50))
    reader.read(speaking=1)
    with ThreadPoolExecutor(1) as pool:
        dropped = pool.submit(reader.drop, 0)
        assert not dropped.done()
        slots.open.set()
        dropped.result(30)
    assert reader.takes == {}
    assert reader._beside is None
    reader.close()


def test_a_take_that_leaves_while_its_prompt_is_computed_leaves_the_slot_to_another(weights: Weights) -> None:
    slots = Gate(weights)
    scheduler = Scheduler(slots, EagerSteps(slots), END)
    left, other = take(1), take(2)
    slots.open.set()
    expected = take(2)
    run(Scheduler(same := Slots(weights, 1, WINDOW), EagerSteps(same), END), expected)
    scheduler.waiting.append(left)
    with torch.inference_mode():
        scheduler.advance()
    left.cancelled = True
    run(scheduler, other)
    assert left.chunks.empty()
    assert outcome(other) == outcome(expected)


class Short(Slots):
    """Slots without the memory for long chunks."""

    def prefill(self, slot: int, tokens: NDArray[np.int64], start: int) -> None:
        if len(tokens) > 64:
            raise torch.OutOfMemoryError("out of memory")
        super().prefill(slot, tokens, start)


def test_prompts_are_read_in_smaller_chunks_where_memory_is_short(weights: Weights) -> None:
    one = take(1, prompt=np.arange(300) % 90 + END + 1, limit=8, min_codes=8, sampling=Sampling(temperature=0))
    run(Scheduler(slots := Short(weights, 1, WINDOW), EagerSteps(slots), END), one)
    result = outcome(one)
    assert not isinstance(result, str)
    assert (len(result[0]), result[1]) == (8, "length")
