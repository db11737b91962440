"""What a CUDA graph demands of the step, on a CPU: it is recorded once and replayed while takes come and go."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from cli.gpu_check.random_checkpoint import random_weights
from deployments.errors import Unavailable
from deployments.llasa import linear
from deployments.llasa.protocol import CodeChunk, FinishReason, Sampling
from deployments.llasa.reader import PromptReader
from deployments.llasa.sampler import Features
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps, GraphSteps, Steps, Tokens
from deployments.llasa.take import RunningTake
from deployments.llasa.weights import Weights
from deployments.placement.memory import SHAPES, LlamaShape
from deployments.profiles import WeightType

CODES = 500
END = CODES
SHAPE = LlamaShape(96, 160, 3, 6, 2, 16, CODES + 100)
WINDOW = 512
SLOTS = 6


@pytest.fixture
def weight_type() -> WeightType:
    return "auto"


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, weight_type: WeightType) -> Iterator[Weights]:
    """With torch's own linear layers, as on a GPU: only their calls can be recorded."""
    monkeypatch.setattr(linear, "_KERNELS", "of another processor")
    linear.has_half_kernels.cache_clear()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield random_weights(replace(SHAPE, weights=weight_type), codec_size=CODES)
    linear.has_half_kernels.cache_clear()


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
        "unread": False,
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


@pytest.mark.parametrize(("as_graphs", "poison"), [(True, 1e4), (False, torch.nan)])
def test_what_other_takes_left_in_the_cache_is_never_read(weights: Weights, as_graphs: bool, poison: float) -> None:
    outcomes = []
    for stain in (0.0, poison):
        slots = Slots(weights, SLOTS, WINDOW)
        slots._llama.cache._all.fill_(stain)
        takes = [take(number) for number in range(4)]
        run(Scheduler(slots, EagerSteps(slots, as_graphs=as_graphs), END), *takes)
        outcomes.append([outcome(one) for one in takes])
    assert outcomes[0] == outcomes[1]


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


class Launches(TorchFunctionMode):
    """Counts functions that compute: each is about one kernel on a GPU."""

    VIEWS = (
        "__len__",
        "view",
        "unflatten",
        "unbind",
        "chunk",
        "reshape",
        "flatten",
        "split",
        "expand",
        "permute",
        "__get__",
        "size",
        "dim",
        "T",
    )

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__
        if name not in self.VIEWS and not (name == "__getitem__" and not _has_tensor(args[1])):
            self.counted.append(name)
        if name == "scaled_dot_product_attention":  # it has a kernel on a GPU, and none on this device
            return torch.empty_like(args[0])
        return func(*args, **(kwargs or {}))


def _has_tensor(index: Any) -> bool:
    return any(isinstance(part, torch.Tensor) for part in (index if isinstance(index, tuple) else (index,)))


@pytest.mark.parametrize(
    ("name", "weight_type", "layer"),
    [*((name, "auto", 15) for name in SHAPES), ("llasa-1b", "int8", 55), ("llasa-1b", "fp8", 35)],
)
def test_a_step_launches_few_kernels(name: str, weight_type: WeightType, layer: int) -> None:
    shape = replace(SHAPES[name], weights=weight_type)
    slots = Slots(random_weights(shape, "meta"), 16, 2048)
    with torch.inference_mode(), Launches() as launches:
        slots.step(16, None, Features())
    assert len(launches.counted) <= layer * shape.layers + 130, Counter(launches.counted)
