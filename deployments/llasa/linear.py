"""Linear layers without modules: 16-bit weights on every device."""

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch.nn import functional

Linear = Callable[[torch.Tensor], torch.Tensor]
"""[..., in] -> [..., out]"""

_KERNELS = "fbgemm"
"""Multiplies float16 weights with float32; not available on ARM."""


class HalfLinear:
    """A layer for CPUs: float16 weights, float32 activations.

    Half the memory traffic of float32, and a row's result does not depend on the other rows.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self._packed = torch.fbgemm_pack_gemm_matrix_fp16(weight.float())

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = torch.fbgemm_linear_fp16_weight_fp32_activation(rows, self._packed, None)
        return output


class PlainLinear:
    """A layer of torch, in its weight's type."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.linear(rows, self.weight)


def linear(weight: torch.Tensor) -> Linear:
    """Returns the fastest layer for a weight [out, in] on its device."""
    return HalfLinear(weight) if weight.device.type == "cpu" and has_half_kernels() else PlainLinear(weight)


@cache
def has_half_kernels() -> bool:
    """Returns whether this processor computes `HalfLinear`. The first call must come before threads use it."""
    if _KERNELS not in torch.backends.quantized.supported_engines:
        return False
    # These functions warn once that they are deprecated. Their successor, `quantized::linear_dynamic_fp16`, gives the
    # same bits, but takes 10 us more for each call, a tenth of a step.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        HalfLinear(torch.ones(1, 1))(torch.ones(1, 1))
    return True
