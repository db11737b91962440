"""Reads a Llama's weights from safetensors, straight to their device."""

import json
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from safetensors import safe_open

from deployments.errors import Unavailable
from deployments.llasa.config import LlamaConfig
from deployments.llasa.linear import SMALL_LINEARS, Linear, linear
from deployments.placement.memory import head_rows
from deployments.profiles import WeightType

_READERS: Final = 4
"""Threads that copy to the device: one does not saturate a disk or a bus."""
_EMBEDDING, _HEAD, _NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of a decoder layer; projections of the same input are one matrix."""

    attention_norm: torch.Tensor
    query_key_value: Linear
    output: Linear
    mlp_norm: torch.Tensor
    gate_up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class Weights:
    """A Llama whose vocabulary is in the engine's order and whose head has only codes and END."""

    config: LlamaConfig
    embedding: torch.Tensor
    """[vocabulary, hidden] by engine id; on a CPU as stored."""
    layers: tuple[Layer, ...]
    norm: torch.Tensor
    head: Linear
    """Its first rows are the codes and END; padding follows."""
    sampled: int
    """Number of codes and END."""
    dtype: torch.dtype
    """Type of activations: bfloat16 on a GPU, float32 on a CPU."""

    @property
    def device(self) -> torch.device:
        return self.embedding.device

    def tensors(self) -> list[torch.Tensor]:
        """Returns all of them. Some may share memory."""
        tensors, linears = [self.embedding, self.norm], [self.head]
        for layer in self.layers:
            tensors += layer.attention_norm, layer.mlp_norm
            linears += layer.query_key_value, layer.output, layer.gate_up, layer.down
        held = (value for linear in linears for value in vars(linear).values())
        return tensors + [value for value in held if isinstance(value, torch.Tensor)]


class Tensors(Protocol):
    """Tensors by name, as transformers names them."""

    @property
    def names(self) -> Set[str]: ...

    def get(self, name: str) -> torch.Tensor: ...


class CheckpointFiles:
    """The tensors of a checkpoint, in one file or several.

    Raises:
        Unavailable: tensors are missing, unexpected or of another shape than `config` says.
        OSError: a file cannot be read.
        SafetensorError: a file is not safetensors, or is incomplete.
    """

    def __init__(self, folder: Path, config: LlamaConfig) -> None:
        index = folder / "model.safetensors.index.json"
        shards = {"model.safetensors"}
        if index.exists():
            shards = {*json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
        self._files: dict[str, Any] = {}
        for shard in sorted(shards):
            file: Any = safe_open(folder / shard, framework="pt")
            self._files |= dict.fromkeys(file.keys(), file)
        # Older versions of transformers stored the frequencies, which are computed.
        self.names = {name for name in self._files if not name.endswith("rotary_emb.inv_freq")}
        self._check(folder, config)

    def get(self, name: str) -> torch.Tensor:
        """Returns a tensor, which is read from the file when it is copied."""
        tensor: torch.Tensor = self._files[name].get_tensor(name)
        return tensor

    def _check(self, folder: Path, config: LlamaConfig) -> None:
        expected = expected_tensors(config)
        optional = {_HEAD} if config.tied else set()
        wrong = sorted(expected.keys() - self.names - optional) + sorted(self.names - expected.keys())
        if wrong:
            raise Unavailable(f"The Llasa checkpoint at {folder} does not fit a Llama: {', '.join(wrong[:5])}.")
        for name in self.names:
            shape = tuple(self._files[name].get_slice(name).get_shape())
            if shape != expected[name]:
                raise Unavailable(
                    f"The Llasa checkpoint at {folder} cannot be loaded: {name} has the shape {shape}, and its "
                    f"config.json says {expected[name]}."
                )


def read_weights(
    config: LlamaConfig,
    source: Tensors,
    order: torch.Tensor,
    sampled: int,
    device: str,
    weights: WeightType = "auto",
    dtype: torch.dtype | None = None,
) -> Weights:
    """Copies a checkpoint's tensors to a device, where none of them exists twice.

    Args:
        config: Describes them.
        source: Holds them.
        order: [vocabulary] token id of each engine id.
        sampled: Number of codes and END, which come first in `order`.
        device: Where to.
        weights: Type of the matrices of layers and head.
        dtype: Type of activations; default: bfloat16 on a GPU, float32 on a CPU.
    """
    dtype = dtype or (torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16)
    order = order.to(device)

    def fused(*names: str) -> torch.Tensor:
        """Tensors one after another in one."""
        parts = [source.get(name) for name in names]
        rows = [len(part) for part in parts]
        whole = torch.empty(sum(rows), *parts[0].shape[1:], dtype=dtype, device=device)
        for place, part in zip(whole.split(rows), parts, strict=True):
            place.copy_(part)
        return whole

    def matrix(*names: str) -> Linear:
        if weights == "auto":
            return linear(fused(*names))
        return SMALL_LINEARS[weights]([*map(source.get, names)], device)

    def layer(number: int) -> Layer:
        prefix = f"model.layers.{number}."
        with torch.inference_mode():  # the mode belongs to a thread
            return Layer(
                attention_norm=fused(f"{prefix}input_layernorm.weight"),
                query_key_value=matrix(*(f"{prefix}self_attn.{part}_proj.weight" for part in "qkv")),
                output=matrix(f"{prefix}self_attn.o_proj.weight"),
                mlp_norm=fused(f"{prefix}post_attention_layernorm.weight"),
                gate_up=matrix(f"{prefix}mlp.gate_proj.weight", f"{prefix}mlp.up_proj.weight"),
                down=matrix(f"{prefix}mlp.down_proj.weight"),
            )

    with torch.inference_mode():
        embedding = source.get(_EMBEDDING).to(device)[order]
        if embedding.device.type != "cpu":
            embedding = embedding.to(dtype)
        if _HEAD in source.names:
            head = torch.zeros(head_rows(sampled), config.shape.hidden, dtype=dtype, device=device)
            head[:sampled] = source.get(_HEAD).to(device)[order[:sampled]].to(dtype)
        else:  # the padding of a head is never read, so other tokens can stand there
            head = embedding[: head_rows(sampled)].to(dtype)
        head_layer = linear(head) if weights == "auto" else SMALL_LINEARS[weights]([head], device)
        norm = fused(_NORM)
        with ThreadPoolExecutor(_READERS) as pool:
            layers = tuple(pool.map(layer, range(config.shape.layers)))
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()  # what tables and blocks took while they were copied
    return Weights(config, embedding, layers, norm, head_layer, sampled, dtype)


def expected_tensors(config: LlamaConfig) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of a checkpoint's tensors by name."""
    shape = config.shape
    hidden, queries, keys = shape.hidden, shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    layer = {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (shape.intermediate, hidden),
        "mlp.up_proj": (shape.intermediate, hidden),
        "mlp.down_proj": (hidden, shape.intermediate),
    }
    every = {_EMBEDDING: (shape.vocabulary, hidden), _HEAD: (shape.vocabulary, hidden), _NORM: (hidden,)}
    return every | {
        f"model.layers.{number}.{name}.weight": size for number in range(shape.layers) for name, size in layer.items()
    }
