"""Linear layers of 16 and 8 bits against torch's own."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from deployments.errors import Unavailable
from deployments.llasa import linear as layers
from deployments.llasa.linear import (
    SMALL_LINEARS,
    HalfLinear,
    Int8Linear,
    PlainLinear,
    check_weights,
    has_half_kernels,
    has_int8_kernels,
    linear,
)


@pytest.fixture
def on_arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(layers, "_KERNELS", "of another processor")
    has_half_kernels.cache_clear()
    yield
    has_half_kernels.cache_clear()


needs_kernels = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="this processor has no kernels for float16"
)


@needs_kernels
@pytest.mark.parametrize("shape", [(1, 40), (7, 40), (200, 40)])
def test_it_gives_what_a_linear_layer_of_the_rounded_weight_gives(shape: tuple[int, ...]) -> None:
    weight, rows = torch.randn(24, 40), torch.randn(shape)
    layer = linear(weight)
    assert isinstance(layer, HalfLinear)
    torch.testing.assert_close(layer(rows), functional.linear(rows, weight.half().float()))


@needs_kernels
@pytest.mark.parametrize(("inputs", "outputs"), [(288, 1152), (384, 288), (192, 2049), (2048, 512)])
def test_a_row_is_the_same_bits_whatever_rows_are_beside_it(inputs: int, outputs: int) -> None:
    layer, rows = linear(torch.randn(outputs, inputs)), torch.randn(40, inputs)
    together = layer(rows)
    for begin, end in ((0, 1), (3, 5), (7, 20), (39, 40)):
        assert torch.equal(layer(rows[begin:end].contiguous()), together[begin:end])


def test_a_machine_without_kernels_computes_as_torch_does(on_arm: None) -> None:
    weight, rows = torch.randn(4, 8), torch.randn(3, 8)
    layer = linear(weight)
    assert isinstance(layer, PlainLinear)
    assert torch.equal(layer(rows), functional.linear(rows, weight))


@pytest.mark.parametrize(("weights", "error"), [("int8", 0.015), ("fp8", 0.05)])
def test_small_weights_give_almost_what_the_weight_gives(weights: str, error: float) -> None:
    weight, rows = torch.randn(160, 96), torch.randn(9, 96) * torch.logspace(-3, 3, 9)[:, None]
    layer = SMALL_LINEARS[weights](weight.split(50), "cpu")
    exact = functional.linear(rows, weight)
    assert (layer.weight.shape, layer.weight.element_size(), layer.scales.shape) == ((160, 96), 1, (1, 160))
    assert ((layer(rows) - exact).norm(dim=1) / exact.norm(dim=1)).max() < error
    assert layer(torch.zeros(1, 96)).count_nonzero() == 0


def test_each_output_of_a_small_layer_has_a_scale_of_its_own() -> None:
    weight, rows = torch.randn(2, 64) * torch.tensor([[1e-4], [1e4]]), torch.randn(50, 64)
    exact = functional.linear(rows, weight)
    assert ((Int8Linear([weight], "cpu")(rows) - exact).norm(dim=0) / exact.norm(dim=0)).max() < 0.02


@pytest.mark.skipif(not has_int8_kernels(), reason="this processor does not sum products of int8 exactly")
@pytest.mark.parametrize(("inputs", "outputs"), [(288, 1152), (384, 288), (2048, 512)])
def test_a_row_of_int8_is_the_same_bits_whatever_rows_are_beside_it(inputs: int, outputs: int) -> None:
    layer, rows = Int8Linear([torch.randn(outputs, inputs)], "cpu"), torch.randn(40, inputs)
    together = layer(rows)
    for begin, end in ((0, 1), (3, 5), (7, 20), (39, 40)):
        assert torch.equal(layer(rows[begin:end]), together[begin:end])


@pytest.mark.parametrize(("capability", "refused"), [((8, 0), True), ((8, 6), True), ((8, 9), False), ((9, 0), False)])
def test_fp8_is_refused_by_name_on_a_gpu_that_has_none(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], refused: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA A10")
    check_weights("int8", "cuda")
    if refused:
        with pytest.raises(Unavailable, match=r"8\.9 or more .*, and this is NVIDIA A10: set LLASA_WEIGHTS to int8"):
            check_weights("fp8", "cuda")
    else:
        check_weights("fp8", "cuda")


def test_a_processor_that_saturates_sums_of_int8_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: exact(a, b).clamp(-(2**15), 2**15 - 1))
    with pytest.raises(Unavailable, match="cannot multiply int8 weights exactly"):
        check_weights("int8", "cpu")
