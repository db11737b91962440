"""Linear layers of 16 bits against torch's own."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from deployments.llasa import linear as layers
from deployments.llasa.linear import HalfLinear, PlainLinear, has_half_kernels, linear


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
