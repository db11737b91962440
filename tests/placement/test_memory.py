from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cli.gpu_check.random_checkpoint import random_weights
from deployments.errors import Unavailable
from deployments.llasa.linear import Fp8Linear, Int8Linear, PlainLinear
from deployments.llasa.slots import Slots
from deployments.llasa.weights import Weights
from deployments.placement.memory import SHAPES, WINDOW, XCODEC2_BYTES, LlamaShape, MemoryPlan
from deployments.profiles import PROFILES, WeightType
from tests.support.fake_nvml import GIB

LLASA_8B = SHAPES["llasa-8b"]


def test_a_take_of_llasa_8b_is_a_quarter_of_a_gibibyte() -> None:
    assert LLASA_8B.take() == GIB // 4


def tensors_of(weights: Weights) -> Iterator[torch.Tensor]:
    yield from (weights.embedding, weights.norm)
    linears = [weights.head]
    for layer in weights.layers:
        yield from (layer.attention_norm, layer.mlp_norm)
        linears += [layer.query_key_value, layer.output, layer.gate_up, layer.down]
    for linear in linears:
        assert isinstance(linear, (PlainLinear, Int8Linear, Fp8Linear))
        yield linear.weight
        if not isinstance(linear, PlainLinear):
            yield linear.scales


@pytest.mark.parametrize("weights_type", ["auto", "int8", "fp8"])
def test_a_shape_counts_the_bytes_of_a_model_on_a_gpu(weights_type: WeightType) -> None:
    # All layers are alike.
    for shape in (replace(shape, weights=weights_type, layers=3) for shape in SHAPES.values()):
        weights = random_weights(shape, "meta")
        assert shape.model() == sum(tensor.nbytes for tensor in tensors_of(weights))
        slots = Slots(weights, 3, WINDOW)
        assert 3 * shape.take() == slots.cache_bytes


def test_a_config_without_optional_sizes_is_understood() -> None:
    config = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 99,
    }
    assert LlamaShape.of(config) == LlamaShape(64, 128, 2, 4, 4, 16, 99)
    with pytest.raises(Unavailable, match="lacks 'hidden_size'"):
        LlamaShape.of({"num_attention_heads": 4})


# What fits beside XCodec2 and without it, by profile and GiB; None: not even one take.
PLANS: dict[str, dict[int, tuple[int | None, int | None]]] = {
    "llasa-8b": {8: (None, None), 12: (None, None), 16: (None, None), 24: (12, 16), 40: (16, 16), 80: (16, 16)},
    "llasa-3b": {8: (None, None), 12: (None, 18), 16: (15, 32), 24: (32, 32), 40: (32, 32), 80: (32, 32)},
    "llasa-1b": {8: (None, 60), 12: (50, 64), 16: (64, 64), 24: (64, 64), 40: (64, 64), 80: (64, 64)},
}


# With int8, which needs a little more work space than fp8.
SMALL_PLANS: dict[str, dict[int, tuple[int | None, int | None]]] = {
    "llasa-8b": {8: (None, None), 12: (None, 7), 16: (5, 16), 24: (16, 16), 40: (16, 16), 80: (16, 16)},
    "llasa-3b": {8: (None, 10), 12: (7, 28), 16: (25, 32), 24: (32, 32), 40: (32, 32), 80: (32, 32)},
    "llasa-1b": {8: (None, 64), 12: (57, 64), 16: (64, 64), 24: (64, 64), 40: (64, 64), 80: (64, 64)},
}


@pytest.mark.parametrize("weights", ["auto", "int8"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("gib", [8, 12, 16, 24, 40, 80])
@pytest.mark.parametrize("name", SHAPES)
def test_every_size_on_every_gpu(name: str, gib: int, shared: bool, weights: WeightType) -> None:
    expected = (PLANS if weights == "auto" else SMALL_PLANS)[name][gib][0 if shared else 1]
    shape, wanted = replace(SHAPES[name], weights=weights), PROFILES[name].takes
    if expected is None:
        with pytest.raises(Unavailable, match="this one has"):
            MemoryPlan.fit(gib * GIB, shape, wanted, name, shared=shared)
    else:
        plan = MemoryPlan.fit(gib * GIB, shape, wanted, name, shared=shared)
        assert plan.takes == expected
        assert plan.bytes <= gib * GIB


def test_an_l4_or_a10_holds_llasa_8b_and_xcodec2_and_the_plan_says_what_for() -> None:
    plan = MemoryPlan.fit(23_034 * 2**20, LLASA_8B, 16, "llasa-8b", shared=True)
    assert str(plan) == (
        "6 takes at once need 22.4 GiB of 22.5 GiB: weights 15.0 GiB, caches 1.5 GiB, work 1.2 GiB, XCodec2 4.7 GiB"
    )


def test_a_gpu_that_is_too_small_names_the_profile_that_fits() -> None:
    with pytest.raises(Unavailable) as caught:
        MemoryPlan.fit(16 * GIB, LLASA_8B, 16, "llasa-8b", shared=True)
    assert str(caught.value) == (
        "llasa-8b and XCodec2 need 21.1 GiB of a GPU, and this one has 16.0 GiB for them: PROFILE=llasa-3b fits it."
    )


@pytest.mark.parametrize(("gib", "advice"), [(11, "PROFILE=llasa-1b fits it"), (4, "no Llasa does; PROFILE=nano")])
def test_less_memory_leads_to_a_smaller_profile_and_at_last_to_none(gib: int, advice: str) -> None:
    with pytest.raises(Unavailable, match=advice):
        MemoryPlan.fit(gib * GIB, LLASA_8B, 16, "llasa-8b", shared=True)


@given(
    usable=st.integers(0, 200 * GIB),
    name=st.sampled_from(sorted(SHAPES)),
    wanted=st.integers(1, 64),
    shared=st.booleans(),
)
def test_what_is_said_to_fit_fits_and_nothing_more_would(usable: int, name: str, wanted: int, shared: bool) -> None:
    shape, beside = SHAPES[name], XCODEC2_BYTES if shared else 0
    try:
        plan = MemoryPlan.fit(usable, shape, wanted, name, shared=shared)
    except Unavailable:
        assert shape.replica(1) + beside > usable
        return
    assert 1 <= plan.takes <= wanted
    assert plan.bytes == shape.replica(plan.takes) + beside <= usable
    assert plan.takes == wanted or shape.replica(plan.takes + 1) + beside > usable
