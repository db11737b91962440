"""Linear layers of 16 bits against torch's own."""

import pytest
import torch
from torch import nn

from deployments.llasa.linear import HalfLinear, halve


@pytest.fixture(autouse=True)
def has_kernels() -> None:
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this processor has no kernels for float16 weights")


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 40), (7, 40), (2, 3, 40)])
def test_it_gives_what_a_linear_layer_of_the_rounded_weight_gives(shape: tuple[int, ...], bias: bool) -> None:
    linear = nn.Linear(40, 24, bias=bias).requires_grad_(False)
    rows = torch.randn(shape)
    ours = HalfLinear(linear)(rows)
    linear.weight.copy_(linear.weight.half())
    assert ours.shape == (*shape[:-1], 24)
    torch.testing.assert_close(ours, linear(rows))


def test_all_linear_layers_of_a_model_are_replaced_and_nothing_else() -> None:
    model = nn.Sequential(nn.Embedding(5, 8), nn.Sequential(nn.Linear(8, 8), nn.SiLU()), nn.Linear(8, 4))
    halve(model.requires_grad_(False))
    assert [type(layer) for layer in model.modules()] == [
        nn.Sequential,
        nn.Embedding,
        nn.Sequential,
        HalfLinear,
        nn.SiLU,
        HalfLinear,
    ]


def test_a_machine_without_kernels_keeps_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.llasa.linear._KERNELS", "of another processor")
    model = nn.Sequential(nn.Linear(8, 4))
    halve(model)
    assert isinstance(model[0], nn.Linear)
