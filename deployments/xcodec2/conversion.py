"""Converts XCodec2 checkpoints of the original package into the format of transformers.

The original is the PyPI package `xcodec2`; `HKUSTAudio/xcodec2` and its finetunes have its format.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from deployments.errors import Unavailable

if TYPE_CHECKING:
    from transformers import Xcodec2Config

_UNUSED: Final = re.compile(
    r"(up|down)sample\.(lowpass\.)?filter$"  # computed from their sizes
    r"|\.istft\.window$"
    r"|^generator\.quantizer\.(layers\.0\.)?(_levels|_basis|implicit_codebook|scales)$"
    r"|^semantic_model\.encoder\.layers\.(1[6-9]|2\d)\."  # XCodec2 reads the output of layer 16
)
"""Tensors of the original that transformers has no place for."""
_RULES: Final = (
    (r"^semantic_model\.", "semantic_encoder."),
    (r"^SemanticEncoder_module\.initial_conv\.", "semantic_adapter.conv1."),
    (r"^SemanticEncoder_module\.residual_blocks\.1\.", "semantic_adapter.conv2."),
    (r"^SemanticEncoder_module\.residual_blocks\.3\.", "semantic_adapter.conv3."),
    (r"^SemanticEncoder_module\.final_conv\.", "semantic_adapter.conv4."),
    (r"^CodecEnc\.conv_blocks\.0\.", "acoustic_encoder.conv1."),
    (r"^CodecEnc\.conv_final_block\.0\.", "acoustic_encoder.snake1."),
    (r"^CodecEnc\.conv_final_block\.1\.", "acoustic_encoder.conv2."),
    (r"^fc_prior\.", "fc_encoder."),
    (r"^fc_post_a\.", "acoustic_decoder.fc."),
    (r"^generator\.quantizer\.", "quantizer."),
    (r"^generator\.head\.out\.", "acoustic_decoder.head.linear."),
    (r"^generator\.backbone\.final_layer_norm\.", "acoustic_decoder.norm."),
    (r"^generator\.backbone\.transformers\.(\d+)\.att\.c_proj\.", r"acoustic_decoder.layers.\1.self_attn.o_proj."),
    (r"^generator\.backbone\.transformers\.(\d+)\.att_norm\.", r"acoustic_decoder.layers.\1.input_layernorm."),
    (r"^generator\.backbone\.transformers\.(\d+)\.ffn_norm\.", r"acoustic_decoder.layers.\1.post_attention_layernorm."),
    (r"^generator\.backbone\.transformers\.", "acoustic_decoder.layers."),
    (r"^generator\.backbone\.", "acoustic_decoder."),
)
_BLOCK: Final = re.compile(r"^CodecEnc\.conv_blocks\.(\d+)\.block\.(\d)\.(?:block\.(\d)\.)?(.+)")
_UNIT_PARTS: Final = ("snake1", "conv1", "snake2", "conv2")
_BLOCK_PARTS: Final = ("res_unit1", "res_unit2", "res_unit3", "snake1", "conv1")
_QUERY_KEY_VALUE: Final = re.compile(r"^generator\.backbone\.transformers\.(\d+)\.att\.c_attn\.weight$")
_WEIGHT_NORM: Final = {
    ".weight_g": ".weight_v",
    ".parametrizations.weight.original0": ".parametrizations.weight.original1",
}
"""Ends of the names of magnitude and direction, in both forms of torch's weight norm."""


def convert_codec(source: Path, target: Path) -> None:
    """Writes a checkpoint of the original package in the format of transformers.

    Args:
        source: Folder with the original's model.safetensors.
        target: Created if missing.

    Raises:
        Unavailable: the source is not an XCodec2 of the original package, or not one of 16 kHz.
    """
    from safetensors.torch import load_file
    from transformers import Xcodec2Config, Xcodec2Model

    file = source / "model.safetensors"
    if not file.exists():
        raise Unavailable(f"There is no model.safetensors in {source}.")
    config = Xcodec2Config()
    tensors = converted(load_file(file), config)
    with torch.device("meta"):
        model = Xcodec2Model(config)
    # Buffers are computed when the result is loaded.
    model.save_pretrained(target, state_dict=tensors)


def converted(original: Mapping[str, torch.Tensor], config: "Xcodec2Config") -> dict[str, torch.Tensor]:
    """Returns the tensors of a checkpoint as transformers names them.

    Args:
        original: The original's tensors by name.
        config: Describes the model.

    Raises:
        Unavailable: tensors are missing, left over, or of another shape than `config` says.
    """
    found: dict[str, torch.Tensor] = {}
    for name, tensor in _plain_weights(original).items():
        if _UNUSED.search(name):
            continue
        if match := _QUERY_KEY_VALUE.match(name):
            query, key, value = tensor.chunk(3)
            prefix = f"acoustic_decoder.layers.{match[1]}.self_attn."
            heads = config.num_attention_heads
            found[f"{prefix}q_proj.weight"] = _halves(query, heads)
            found[f"{prefix}k_proj.weight"] = _halves(key, heads)
            found[f"{prefix}v_proj.weight"] = value.contiguous()
        else:
            found[_renamed(name)] = tensor
    _check(found, config)
    return found


def _plain_weights(original: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Multiplies magnitudes and directions of weight norm; leaves the other tensors as they are."""
    plain = dict(original)
    for magnitude, direction in _WEIGHT_NORM.items():
        for name in [name for name in plain if name.endswith(magnitude)]:
            stem = name.removesuffix(magnitude)
            if stem + direction in plain:
                plain[f"{stem}.weight"] = torch._weight_norm(plain.pop(stem + direction), plain.pop(name), 0)
    return plain


def _renamed(name: str) -> str:
    name = re.sub(r"\.act\.bias$", ".act.beta", name)  # saved by versions of transformers that rename beta
    if match := _BLOCK.match(name):
        block, part, unit, rest = match.groups()
        inner = f"{_UNIT_PARTS[int(unit)]}." if unit else ""
        return f"acoustic_encoder.block.{int(block) - 1}.{_BLOCK_PARTS[int(part)]}.{inner}{rest}"
    for pattern, replacement in _RULES:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name


def _halves(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Reorders rows: the original's rotary embedding pairs neighbours, and that of transformers the two halves."""
    rows, columns = weight.shape
    pairs = weight.view(heads, rows // heads // 2, 2, columns)
    return pairs.transpose(1, 2).reshape(rows, columns)


def _check(found: Mapping[str, torch.Tensor], config: "Xcodec2Config") -> None:
    from transformers import Xcodec2Model

    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in Xcodec2Model(config).state_dict().items()}
    wrong = {
        "lacks": expected.keys() - found.keys(),
        "has, which transformers does not know,": found.keys() - expected.keys(),
        "has in another shape": {name for name in expected.keys() & found if expected[name] != found[name].shape},
    }
    if any(wrong.values()):
        reasons = "; ".join(f"it {verb} {_few(names)}" for verb, names in wrong.items() if names)
        raise Unavailable(f"This is not an XCodec2 of the original package at 16 kHz: {reasons}.")


def _few(names: Iterable[str]) -> str:
    first, *more = sorted(names)
    return f"{first} and {len(more)} more" if more else first
