"""Linear layers for CPUs, with weights in float16."""

import torch
from torch import nn

_KERNELS = "fbgemm"
"""Multiplies float16 weights with float32; not available on ARM."""


class HalfLinear(nn.Module):
    """`nn.Linear` with its weight in float16: half the memory traffic, and a kernel made for few rows."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._packed = torch.ops.quantized.linear_prepack_fp16(linear.weight.float(), linear.bias)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out], float32."""
        output: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16.default(rows, self._packed)
        return output


def halve(model: nn.Module) -> None:
    """Replaces every linear layer by a `HalfLinear`, if this machine has kernels for it."""
    if _KERNELS not in torch.backends.quantized.supported_engines:
        return
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Linear):
                setattr(parent, name, HalfLinear(layer))
