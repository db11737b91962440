from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa.sampler import Features
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps
from deployments.llasa.weights import Weights
from deployments.placement.memory import SHAPES
from deployments.profiles import WeightType
from tests.llasa.takes import END, SLOTS, WINDOW, outcome, run, take


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
