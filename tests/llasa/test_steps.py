import gc
from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa import steps
from deployments.llasa.sampler import Features
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps, GraphSteps
from deployments.llasa.take import RunningTake
from deployments.llasa.weights import Weights
from tests.llasa.takes import CODES, END, SHAPE, SLOTS, WINDOW, alone, outcome, run, take


class Recording(TorchDispatchMode):
    """The operations of a function, to be replayed on the same tensors: a CUDA graph."""

    SYNCHRONISING = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func.overloadpacket.__name__ not in self.SYNCHRONISING, f"{func} waits for the device"
        out = func(*args, **(kwargs or {}))
        self._calls.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        new: dict[int, torch.Tensor] = {}

        def current(tensor: torch.Tensor) -> torch.Tensor:
            return new.get(id(tensor), tensor)

        for func, args, kwargs, out in self._calls:
            args, kwargs = tree_map_only(torch.Tensor, current, (args, kwargs))
            again = func(*args, **kwargs)
            for old, fresh in zip(_tensors(out), _tensors(again), strict=True):
                new[id(old)] = fresh


def _tensors(out: Any) -> list[torch.Tensor]:
    return [out] if isinstance(out, torch.Tensor) else [part for part in out if isinstance(part, torch.Tensor)]


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings in the place of CUDA graphs, for `GraphSteps` on a CPU."""
    zeros = torch.zeros

    class Event:
        def record(self) -> None: ...

        def synchronize(self) -> None: ...

    monkeypatch.setattr(torch.cuda, "Stream", object)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recording)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, pool, stream: graph)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch, "zeros", lambda *size, pin_memory=False, **options: zeros(*size, **options))


def buffers(thing: object) -> dict[str, int]:
    return {name: value.data_ptr() for name, value in vars(thing).items() if isinstance(value, torch.Tensor)}


@pytest.mark.usefixtures("cuda")
def test_captured_steps_are_replayed_while_takes_come_leave_and_end(weights: Weights) -> None:
    slots = Slots(weights, SLOTS, WINDOW)
    steps = GraphSteps(slots)
    parts = slots, slots._llama, slots._llama.cache, slots._sampler
    before = [buffers(part) for part in parts]
    scheduler = Scheduler(slots, steps, END)
    random = np.random.default_rng(0)
    whole: dict[int, RunningTake] = {}
    number = 0
    with torch.inference_mode():
        while scheduler.steps < 500 or not scheduler.idle:
            if scheduler.steps < 500 and random.random() < 0.1:
                number += 1
                new = take(number)
                scheduler.waiting.append(new)
                whole[number] = new
            if whole and random.random() < 0.01:
                whole.pop(int(random.choice([*whole]))).cancelled = True
            scheduler.advance()
    assert before == [buffers(part) for part in parts]
    assert scheduler.largest_batch == SLOTS
    assert len(whole) > 20
    for name, one in whole.items():
        assert outcome(one) == alone(weights, name)


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("weight_type", ["int8"])
def test_captured_steps_with_small_weights_give_what_eager_ones_give(weights: Weights) -> None:
    slots = Slots(weights, 2, WINDOW)
    takes = [take(number, limit=9) for number in (1, 2, 3)]
    run(Scheduler(slots, GraphSteps(slots), END), *takes)
    slots = Slots(weights, 2, WINDOW)
    eager = [take(number, limit=9) for number in (1, 2, 3)]
    run(Scheduler(slots, EagerSteps(slots, as_graphs=True), END), *eager)
    assert [outcome(one) for one in takes] == [outcome(one) for one in eager]


def test_a_step_leaves_no_tensor_behind(weights: Weights) -> None:
    slots = Slots(weights, SLOTS, WINDOW)
    steps = EagerSteps(slots, as_graphs=True)

    def tensors() -> int:
        gc.collect()
        return sum(type(thing) is torch.Tensor for thing in gc.get_objects())

    with torch.inference_mode():
        steps.run([100] * SLOTS, Features())
        before = tensors()
        for _ in range(20):
            steps.run([100] * SLOTS, Features())
    assert tensors() == before


@pytest.mark.parametrize("fast", [1, 2])
def test_steps_take_as_many_threads_as_make_them_fastest(fast: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    class Uneven(Slots):
        """Slots whose steps are fast with so many threads."""

        def step(self, batch: int, lengths: Sequence[int] | None, features: Features) -> torch.Tensor:
            nonlocal now
            now += 1 if torch.get_num_threads() == fast else 3
            return super().step(batch, lengths, features)

    monkeypatch.setattr(steps, "time", SimpleNamespace(perf_counter=lambda: now))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with EagerSteps(Uneven(random_weights(SHAPE, codec_size=CODES), 2, WINDOW)).context():
            assert torch.get_num_threads() == fast
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
