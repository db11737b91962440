"""XCodec2's decoder without transformers, whose `Xcodec2Model` is the reference: a replica that decodes needs only
torch, and computes only the samples that it is asked for."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch.nn import functional

from deployments.xcodec2.protocol import HOP, SAMPLE_RATE

_OVERLAP: Final = 4
"""Frames that each sample is the sum of: the window has `_OVERLAP * HOP` samples."""
_PAST: Final = _OVERLAP // 2
"""Frames before a sample's own that contribute to it."""
_GROUPS: Final = 32
_EPSILON: Final = 1e-6
_LOUDEST: Final = 1e2
"""Of a spectrum's magnitudes, as in training."""
_DEFAULTS: Final = {
    "hidden_act": "silu",
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 64,
    "rms_norm_eps": 1e-6,
    "sampling_rate": 16_000,
    "downsampling_ratios": [2, 2, 4, 4, 5],
    "quantization_levels": [4] * 8,
}
"""Those of transformers, which need not be in a config."""


class Decoder:
    """The quantizer's codebook and the acoustic decoder, in float32.

    The published decoder rotates queries and keys by the number of their head instead of their position. That leaves
    their products as they are, so nothing is rotated here.

    Args:
        folder: A checkpoint of transformers' `Xcodec2Model`.
        device: torch's name of the device.

    Raises:
        ValueError: it is not an XCodec2's, or tensors are missing or unexpected.
        OSError: a file cannot be read.
        SafetensorError: a file is not safetensors, or is incomplete.
    """

    def __init__(self, folder: Path, device: str) -> None:
        config = read_config(folder)
        self._epsilon: float = config["rms_norm_eps"]
        self._heads, self._size = config["num_attention_heads"], config["head_dim"]
        tensors = {name: tensor.to(device, torch.float32) for name, tensor in _read(folder).items()}
        _check_names(tensors, config["num_hidden_layers"])
        self._latent = _under(tensors, "quantizer.")
        self._tensors = _under(tensors, "acoustic_decoder.")
        self._layers = [
            _under(tensors, f"acoustic_decoder.layers.{number}.") for number in range(config["num_hidden_layers"])
        ]
        for layer in self._layers:
            projections = [layer.pop(f"self_attn.{name}_proj.weight") for name in "qkv"]
            layer["query_key_value"] = torch.cat(projections)
        self._before = [_under(tensors, f"acoustic_decoder.prior_net.{number}.") for number in range(2)]
        self._after = [_under(tensors, f"acoustic_decoder.post_net.{number}.") for number in range(2)]
        self._codebook = _codebook(config["quantization_levels"]).to(device)
        self._window = torch.hann_window(_OVERLAP * HOP, device=device)

    @property
    def codec_size(self) -> int:
        """Number of codes."""
        return len(self._codebook)

    def tensors(self) -> list[torch.Tensor]:
        """Returns all weights."""
        tables = (self._latent, self._tensors, *self._layers, *self._before, *self._after)
        return [self._codebook, self._window, *(tensor for table in tables for tensor in table.values())]

    def __call__(self, codes: torch.Tensor, start: int) -> torch.Tensor:
        """[batch, n] codes -> [batch, (n - start) * HOP] samples; those before `start` serve as context."""
        tensors = self._tensors
        x = _linear(self._latent, "project_out", self._codebook[codes])
        x = _linear(tensors, "fc", x).transpose(1, 2)
        x = functional.conv1d(x, tensors["embed.weight"], tensors["embed.bias"], padding=3)
        for block in self._before:
            x = _convolve(block, x)
        x = x.transpose(1, 2)
        for layer in self._layers:
            x = x + self._attend(layer, self._normed(layer["input_layernorm.weight"], x))
            inner = functional.linear(
                self._normed(layer["post_attention_layernorm.weight"], x), layer["mlp.fc1.weight"]
            )
            x = x + functional.linear(functional.silu(inner, inplace=True), layer["mlp.fc2.weight"])
        x = x.transpose(1, 2)
        for block in self._after:
            x = _convolve(block, x)
        first = max(0, start - _PAST)
        x = functional.layer_norm(
            x[:, :, first:].transpose(1, 2), x.shape[1:2], tensors["norm.weight"], tensors["norm.bias"], _EPSILON
        )
        return self._samples(_linear(tensors, "head.linear", x), start - first)

    def _samples(self, spectrum: torch.Tensor, start: int) -> torch.Tensor:
        """[batch, frames, bins * 2] logarithms of magnitudes, then phases -> samples from frame `start` on."""
        magnitude, phase = spectrum.chunk(2, dim=-1)
        magnitude = magnitude.exp().clamp_(max=_LOUDEST)
        waves = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        frames = torch.fft.irfft(waves, len(self._window)) * self._window
        envelope = _overlap(self._window.square().expand(1, frames.shape[1], -1))
        whole = _overlap(frames).div_(envelope.clamp_(min=1e-11))
        edge = (_OVERLAP - 1) * HOP // 2
        return whole[:, edge + start * HOP : -edge]

    def _attend(self, layer: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        projected = functional.linear(x, layer["query_key_value"]).unflatten(-1, (3, self._heads, self._size))
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return functional.linear(attended.transpose(1, 2).flatten(2), layer["self_attn.o_proj.weight"])

    def _normed(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x, weight.shape, weight, self._epsilon)


def read_config(folder: Path) -> dict[str, Any]:
    """Returns a checkpoint's config.json.

    Raises:
        ValueError: it is not an XCodec2's that this service can use.
        OSError: it cannot be read.
    """
    config: dict[str, Any] = _DEFAULTS | json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if (kind := config.get("model_type")) != "xcodec2":
        raise ValueError(f"it is a {kind} model, not xcodec2")
    hop = math.prod(config["downsampling_ratios"])
    if (config["sampling_rate"], hop) != (SAMPLE_RATE, HOP):
        raise ValueError(f"it has {hop} samples a code at {config['sampling_rate']} Hz, not {HOP} at {SAMPLE_RATE}")
    if config["hidden_act"] != "silu" or config["num_attention_heads"] != config["num_key_value_heads"]:
        raise ValueError("its activation or attention is not XCodec2's")
    return config


def _read(folder: Path) -> dict[str, torch.Tensor]:
    """Returns the tensors of decoding."""
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.exists():
        files = {*json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    tensors: dict[str, torch.Tensor] = {}
    for name in files:
        file: Any = safe_open(folder / name, framework="pt")
        tensors |= {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 - it is no mapping
            if name.startswith(("acoustic_decoder.", "quantizer.project_out."))
        }
    return tensors


def _check_names(tensors: Mapping[str, torch.Tensor], layers: int) -> None:
    blocks = [f"acoustic_decoder.{net}.{number}" for net in ("prior_net", "post_net") for number in range(2)]
    whole = ["quantizer.project_out", *(f"acoustic_decoder.{name}" for name in ("fc", "embed", "norm", "head.linear"))]
    whole += [f"{block}.{part}" for block in blocks for part in ("norm1", "conv1", "norm2", "conv2")]
    parts = [*(f"self_attn.{name}_proj" for name in "qkvo"), "mlp.fc1", "mlp.fc2"]
    parts += ["input_layernorm", "post_attention_layernorm"]
    expected = {f"{name}.{kind}" for name in whole for kind in ("weight", "bias")}
    expected |= {f"acoustic_decoder.layers.{number}.{part}.weight" for number in range(layers) for part in parts}
    if strays := sorted(expected ^ tensors.keys()):
        raise ValueError(f"{len(strays)} names differ, such as {strays[0]}")


def _codebook(levels: list[int]) -> torch.Tensor:
    """[codes, dimensions]: finite scalar quantization (arXiv:2309.15505), the first dimension the fastest."""
    sizes = torch.tensor(levels)
    strides = torch.tensor([math.prod(levels[:place]) for place in range(len(levels))])
    half = sizes // 2
    return (torch.arange(math.prod(levels))[:, None] // strides % sizes - half) / half


def _linear(tensors: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _convolve(block: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """A residual block of two convolutions; [batch, channels, n]."""
    inner = x
    for number in (1, 2):
        weight, bias = block[f"norm{number}.weight"], block[f"norm{number}.bias"]
        inner = functional.silu(functional.group_norm(inner, _GROUPS, weight, bias, _EPSILON), inplace=True)
        inner = functional.conv1d(inner, block[f"conv{number}.weight"], block[f"conv{number}.bias"], padding=1)
    return x + inner


def _overlap(frames: torch.Tensor) -> torch.Tensor:
    """[batch, n, _OVERLAP * HOP] -> [batch, (n + _OVERLAP - 1) * HOP]: the sum of frames, each HOP after the last."""
    batch, count, _ = frames.shape
    whole = frames.new_zeros(batch, count + _OVERLAP - 1, HOP)
    for place in range(_OVERLAP):
        whole[:, place : place + count] += frames[:, :, place * HOP : (place + 1) * HOP]
    return whole.flatten(1)


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
