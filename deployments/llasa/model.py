"""Llama's computation over a fixed cache: a step of one token for many takes, and a chunk of one prompt.

Nothing here allocates what outlives a call, reads a tensor's values or depends on them: the same code runs on a CPU
and is captured in CUDA graphs.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional

from deployments.llasa.cache import Cache
from deployments.llasa.weights import Layer, Weights


class Llama:
    """A Llama with the keys and values of `slots` takes.

    Args:
        weights: Its weights.
        slots: Takes that can be in the cache.
        window: Tokens of the longest take.
    """

    def __init__(self, weights: Weights, slots: int, window: int) -> None:
        self._weights = weights
        shape = weights.config.shape
        self._heads, self._kv_heads, self._size = shape.heads, shape.kv_heads, shape.head_size
        device, dtype = weights.device, weights.dtype
        self.cache = Cache(len(weights.layers), slots, shape.kv_heads, window, shape.head_size, dtype, device)
        self._norm = _norm if device.type == "cpu" else functional.rms_norm
        cosines, sines = weights.config.rotations(window)
        self._cosines, self._sines = cosines.to(device, dtype)[:, None], sines.to(device, dtype)[:, None]

    def decode(
        self, tokens: torch.Tensor, positions: torch.Tensor, lengths: Sequence[int] | None = None
    ) -> torch.Tensor:
        """Computes one token of each of the first slots.

        Args:
            tokens: [takes] engine ids.
            positions: [takes] their positions.
            lengths: See `Cache.attention`.

        Returns:
            [takes, sampled] logits of codes and END, float32.
        """
        x = functional.embedding(tokens, self._weights.embedding).to(self._weights.dtype)
        rotation = self._cosines[positions], self._sines[positions]
        attend = self.cache.attention(positions, lengths)
        for number, layer in enumerate(self._weights.layers):
            query, kv = self._project(layer, x, rotation)
            self.cache.write(number, positions, kv)
            x = self._finish(layer, x, attend(query, number))
        logits = self._weights.head(self._normed(x, self._weights.norm))
        return logits[:, : self._weights.sampled].float()

    def prefill(self, slot: int, tokens: torch.Tensor, start: int) -> None:
        """Computes keys and values of a prompt's [n] tokens from position `start` on. Those before are in the cache."""
        end = start + len(tokens)
        x = functional.embedding(tokens, self._weights.embedding).to(self._weights.dtype)
        rotation = self._cosines[start:end], self._sines[start:end]
        attend = self.cache.prompt_attention(slot, start, end)
        for number, layer in enumerate(self._weights.layers):
            query, kv = self._project(layer, x, rotation)
            self.cache.extend(number, slot, start, kv)
            if layer is self._weights.layers[-1]:
                return  # nothing reads what it would add
            x = self._finish(layer, x, attend(query, number))

    def _project(
        self, layer: Layer, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, hidden] -> queries [n, kv_heads, group, head_size], and keys and values [n, 2, kv_heads, head_size]."""
        projected = layer.query_key_value(self._normed(x, layer.attention_norm)).view(len(x), -1, self._size)
        rotated = projected[:, : self._heads + self._kv_heads]
        cosines, sines = rotation
        turned = rotated.roll(self._size // 2, -1)
        rotated.mul_(cosines).addcmul_(turned, sines)
        query, kv = projected.split((self._heads, 2 * self._kv_heads), 1)
        return query.unflatten(1, (self._kv_heads, -1)), kv.unflatten(1, (2, self._kv_heads))

    def _finish(self, layer: Layer, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        x = x + layer.output(attended.flatten(1))
        gate, up = layer.gate_up(self._normed(x, layer.mlp_norm)).chunk(2, dim=-1)
        return x + layer.down(functional.silu(gate).mul_(up))

    def _normed(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return self._norm(x, weight.shape, weight, self._weights.config.epsilon)


def _norm(x: torch.Tensor, shape: Sequence[int], weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """`functional.rms_norm`, which is one operation on a GPU, but ten on a CPU, in half of the time."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    normed: torch.Tensor = length.square_().div_(shape[-1]).add_(epsilon).rsqrt_().mul(x).mul_(weight)
    return normed
