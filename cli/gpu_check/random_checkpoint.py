"""Llasas of any shape with random weights: as fast as trained ones, and made without a download."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from deployments.llasa.config import LlamaConfig
from deployments.llasa.vocabulary import SPEECH_END, SPEECH_START, TEXT_END, TEXT_START
from deployments.llasa.weights import Weights, expected_tensors, read_weights
from deployments.placement.memory import CODEC_SIZE, LlamaShape

ROPE: Final = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
_EPSILON: Final = 1e-5
_MARKERS: Final = (TEXT_START, TEXT_END, SPEECH_START, SPEECH_END)
_TEMPLATE: Final = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


class RandomTensors:
    """Tensors of a checkpoint of any shape, made when they are read."""

    def __init__(self, config: LlamaConfig, device: str) -> None:
        self._expected = expected_tensors(config)
        self._device = device
        self.names = self._expected.keys()

    def get(self, name: str) -> torch.Tensor:
        shape = self._expected[name]
        if name.endswith("norm.weight"):
            return torch.ones(shape, device=self._device)
        return torch.randn(shape, device=self._device).mul_(shape[-1] ** -0.5)


def random_config(shape: LlamaShape) -> LlamaConfig:
    """Returns the config of a model with a head of its own."""
    return LlamaConfig(shape, _EPSILON, tied=False, rope=ROPE)


def random_weights(
    shape: LlamaShape, device: str = "cpu", codec_size: int = CODEC_SIZE, dtype: torch.dtype | None = None
) -> Weights:
    """Returns weights as they are loaded from a checkpoint; on the meta device they need no memory."""
    config = random_config(shape)
    order = torch.arange(shape.vocabulary)
    source = RandomTensors(config, device)
    return read_weights(config, source, order, codec_size + 1, device, shape.weights, dtype)


def write_checkpoint(folder: Path, shape: LlamaShape, codec_size: int, device: str) -> None:
    """Writes a checkpoint in bfloat16, a file for each layer, with a tokenizer of words."""
    source = RandomTensors(random_config(shape), device)
    shards = defaultdict[str, list[str]](list)
    for name in source.names:
        layer = name.split(".")[2] if ".layers." in name else "others"
        shards[f"model-{layer}.safetensors"].append(name)
    for file, names in shards.items():
        save_file({name: source.get(name).bfloat16().cpu() for name in names}, folder / file, {"format": "pt"})
    files = {name: file for file, names in shards.items() for name in names}
    _write(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": files})
    sizes = {
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "vocab_size": shape.vocabulary,
    }
    _write(folder / "config.json", {**sizes, "rms_norm_eps": _EPSILON, "rope_parameters": ROPE})
    words = shape.vocabulary - codec_size - len(_MARKERS)
    tokens = {f"word{n}": n for n in range(words)} | {f"<|s_{n}|>": words + n for n in range(codec_size)}
    backend = Tokenizer(models.WordLevel(tokens, unk_token="word0"))  # noqa: S106
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens([*_MARKERS])
    backend.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", {"chat_template": _TEMPLATE})


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
