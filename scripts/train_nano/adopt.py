"""Step: the encoder begins with the one that ships, where `--work` holds no work of its own.

It is taken with as many layers more as it may have got since, which at first do nothing.
"""

import torch
from safetensors.torch import load_file
from torch import Tensor

from . import codec
from .workplace import Workplace, save

_ENCODER = ("semantic_encoder", "semantic_adapter", "acoustic_encoder", "fc_encoder")
_CLOSING = ("ffn1.output_dense", "ffn2.output_dense", "self_attn.linear_out", "conv_module.pointwise_conv2")


def adopt(at: Workplace) -> None:
    if at.path("ears.start").exists():
        return
    shipped = {k: v.float() for k, v in load_file(at.weights / "xcodec2" / "model.safetensors").items()}
    own: dict[str, Tensor] = codec.build().state_dict()
    save(at.path("ears.start"), model={k: v for k, v in _deeper(own, shipped).items() if k.startswith(_ENCODER)})


def _deeper(own: dict[str, Tensor], shipped: dict[str, Tensor]) -> dict[str, Tensor]:
    """The shipped weights; a layer that is not among them passes on what the last one gives."""
    layers = "semantic_encoder.encoder.layers."
    last = max(int(name.removeprefix(layers).split(".")[0]) for name in shipped if name.startswith(layers))
    for name, weight in own.items():
        if name in shipped:
            own[name] = shipped[name]
        elif name.startswith(layers):
            _, part = name.removeprefix(layers).split(".", 1)
            if part.startswith("final_layer_norm"):
                own[name] = shipped[f"{layers}{last}.{part}"]
            elif part.startswith(_CLOSING):
                own[name] = torch.zeros_like(weight)
    return own
