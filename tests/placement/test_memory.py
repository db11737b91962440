import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import Unavailable
from deployments.llasa.slots import Slots
from deployments.placement.memory import SHAPES, WINDOW, XCODEC2_BYTES, LlamaShape, fitting_takes
from tests.support.fake_nvml import GIB
from tests.support.random_weights import random_weights, tensors_of

LLASA_8B = SHAPES["llasa-8b"]


def test_a_take_of_llasa_8b_is_a_quarter_of_a_gibibyte() -> None:
    assert LLASA_8B.take() == GIB // 4


def test_a_shape_counts_the_bytes_of_a_model_on_a_gpu() -> None:
    for shape in SHAPES.values():
        weights = random_weights(shape, "meta")
        assert shape.weights() == sum(tensor.nbytes for tensor in tensors_of(weights))
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


def test_24_gib_hold_llasa_8b_and_xcodec2_with_some_takes() -> None:
    assert 8 <= fitting_takes(24 * GIB, LLASA_8B, 16, "llasa-8b", shared=True) < 16
    assert fitting_takes(23_034 * 2**20, LLASA_8B, 16, "llasa-8b", shared=True) >= 4  # an L4, an A10
    assert fitting_takes(24 * GIB, LLASA_8B, 16, "llasa-8b", shared=False) == 16


def test_16_gib_do_not_and_the_message_names_the_profile_that_fits() -> None:
    with pytest.raises(Unavailable) as caught:
        fitting_takes(16 * GIB, LLASA_8B, 16, "llasa-8b", shared=True)
    assert str(caught.value) == (
        "llasa-8b and XCodec2 need 21.2 GiB of a GPU, and this one has 16.0 GiB for them: PROFILE=llasa-3b fits it."
    )
    assert fitting_takes(16 * GIB, SHAPES["llasa-3b"], 32, "llasa-3b", shared=True) >= 8


@pytest.mark.parametrize(("gib", "advice"), [(11, "PROFILE=llasa-1b fits it"), (4, "no Llasa does; PROFILE=nano")])
def test_less_memory_leads_to_a_smaller_profile_and_at_last_to_none(gib: int, advice: str) -> None:
    with pytest.raises(Unavailable, match=advice):
        fitting_takes(gib * GIB, LLASA_8B, 16, "llasa-8b", shared=True)


@given(
    usable=st.integers(0, 200 * GIB),
    name=st.sampled_from(sorted(SHAPES)),
    wanted=st.integers(1, 64),
    shared=st.booleans(),
)
def test_what_is_said_to_fit_fits_and_nothing_more_would(usable: int, name: str, wanted: int, shared: bool) -> None:
    shape, beside = SHAPES[name], XCODEC2_BYTES if shared else 0
    try:
        takes = fitting_takes(usable, shape, wanted, name, shared=shared)
    except Unavailable:
        assert shape.replica(1) + beside > usable
        return
    assert 1 <= takes <= wanted
    assert shape.replica(takes) + beside <= usable
    assert takes == wanted or shape.replica(takes + 1) + beside > usable
