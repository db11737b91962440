"""Linear layers without modules: 16-bit weights on every device, or 8-bit ones with a scale for each output."""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import torch
from torch.nn import functional

from deployments.errors import Unavailable
from deployments.profiles import WeightType

Linear = Callable[[torch.Tensor], torch.Tensor]
"""[n, in] -> [n, out]"""

_KERNELS = "fbgemm"
"""Multiplies float16 weights with float32; not available on ARM."""
_FP8_CAPABILITY: Final = (8, 9)
_BLOCK: Final = 256
"""Rows of a weight that become 8-bit at once, through float32."""
_TILE: Final = 32
"""On a GPU, cuBLAS multiplies int8 matrices only if they have more than 16 rows, and not any number of them."""
_ALIGNMENT: Final = 16
"""On a GPU, it multiplies 8-bit matrices only if inputs and outputs are multiples of this."""


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


class Int8Linear:
    """A layer with int8 weights. Each row of the input is rounded to int8, too, with a scale of its own.

    The products are summed exactly, so a row's result does not depend on the other rows.

    Args:
        parts: [n, in] rows of the weight, one part after another.
        device: Where to.
    """

    def __init__(self, parts: Sequence[torch.Tensor], device: str) -> None:
        self.weight, self.scales = _packed(parts, device, _to_int8)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        integers, scales = _to_int8(rows)
        if rows.device.type == "cuda":
            padding = 0, self.weight.shape[1] - rows.shape[1], 0, -len(rows) % _TILE
            integers = functional.pad(integers, padding)
        products = torch._int_mm(integers, self.weight.T)[: len(rows), : self.scales.shape[1]]
        return (products * scales).mul_(self.scales).to(rows.dtype)


class Fp8Linear:
    """A layer with float8 weights (e4m3). Each row of the input becomes float8, too, with a scale of its own.

    Args:
        parts: [n, in] rows of the weight, one part after another.
        device: Where to.
    """

    def __init__(self, parts: Sequence[torch.Tensor], device: str) -> None:
        self.weight, self.scales = _packed(parts, device, _to_fp8)
        self._outputs = self.scales.shape[1]
        self.scales = functional.pad(self.scales, (0, len(self.weight) - self._outputs))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        if padding := self.weight.shape[1] - rows.shape[1]:
            rows = functional.pad(rows, (0, padding))
        numbers, scales = _to_fp8(rows)
        products = torch._scaled_mm(
            numbers, self.weight.T, scales, self.scales, out_dtype=rows.dtype, use_fast_accum=True
        )
        return products[:, : self._outputs]


SMALL_LINEARS: Final[dict[str, type[Int8Linear] | type[Fp8Linear]]] = {"int8": Int8Linear, "fp8": Fp8Linear}
"""Layers with 8-bit weights, by type."""


def linear(weight: torch.Tensor) -> Linear:
    """Returns the fastest layer for a weight [out, in] in the type of the activations."""
    return HalfLinear(weight) if weight.dtype == torch.float32 and has_half_kernels() else PlainLinear(weight)


def check_weights(weights: WeightType, device: str) -> None:
    """Raises Unavailable if a device cannot compute with such weights; says which ones it can compute with."""
    on_cpu = torch.device(device).type == "cpu"
    if weights == "fp8" and (on_cpu or torch.cuda.get_device_capability(device) < _FP8_CAPABILITY):
        name = "a CPU" if on_cpu else torch.cuda.get_device_name(device)
        raise Unavailable(
            "LLASA_WEIGHTS=fp8 needs a GPU of compute capability 8.9 or more (such as an L4, RTX 4090 or H100), and "
            f"this is {name}: set LLASA_WEIGHTS to int8 or auto."
        )
    if weights == "int8" and on_cpu and not has_int8_kernels():
        raise Unavailable("This processor cannot multiply int8 weights exactly: set LLASA_WEIGHTS=auto.")


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


def has_int8_kernels() -> bool:
    """Returns whether this processor sums products of int8 exactly: older ones saturate sums of two at 16 bits."""
    largest = torch.full((32, 64), 127, dtype=torch.int8)
    return bool((torch._int_mm(largest, -largest.T) == -64 * 127**2).all())


def _packed(
    parts: Sequence[torch.Tensor], device: str, rounded: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rounds parts of a weight to 8 bits: [out, in], which zeros align on a GPU, and scales [1, out].

    Block by block, into their place: the memory plan has no room for a second copy.
    """
    outputs, inputs = sum(map(len, parts)), parts[0].shape[1]
    alignment = 1 if torch.device(device).type == "cpu" else _ALIGNMENT
    rows, columns = (-(-size // alignment) * alignment for size in (outputs, inputs))
    scales = torch.empty(outputs, 1, device=device)
    weight: torch.Tensor | None = None
    begin = 0
    for block in (block for part in parts for block in part.split(_BLOCK)):
        end = begin + len(block)
        numbers, scales[begin:end] = rounded(block.to(device))
        if weight is None:
            weight = torch.zeros(rows, columns, dtype=torch.int8, device=device).view(numbers.dtype)
        weight[begin:end, :inputs] = numbers
        begin = end
    assert weight is not None  # noqa: S101 - a weight has rows
    return weight, scales.T


def _to_int8(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scales = _scales(rows, 127)
    return (rows / scales).round_().to(torch.int8), scales


def _to_fp8(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scales = _scales(rows, 448)
    return (rows / scales).to(torch.float8_e4m3fn), scales


def _scales(rows: torch.Tensor, largest: float) -> torch.Tensor:
    """Returns float32 scales [n, 1] with which the largest number of each row becomes `largest`."""
    if rows.device.type == "cpu":
        most = rows.abs().amax(1, keepdim=True).float()
    else:  # one kernel instead of three; on a CPU slower
        most = torch.linalg.vector_norm(rows, torch.inf, 1, keepdim=True, dtype=torch.float32)
    return most.mul_(1 / largest).clamp_min_(1e-12)  # a row may be zero
