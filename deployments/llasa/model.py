"""Llama's computation over a fixed cache: a step of one token for many takes, and a chunk of one prompt.

Nothing here allocates what outlives a call, reads a tensor's values or depends on them: the same code runs on a CPU
and is captured in CUDA graphs.
"""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from deployments.llasa.weights import Layer, Weights

Attention = Callable[[torch.Tensor, int], torch.Tensor]
"""Queries [takes, kv_heads, group, head_size] and the number of a layer -> what they attend to, of the same shape."""


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
        self._group = shape.heads // shape.kv_heads
        device, dtype = weights.device, weights.dtype
        sizes = len(weights.layers), slots, 2, shape.kv_heads, window, shape.head_size
        self._cache = torch.zeros(sizes, dtype=dtype, device=device)
        """Keys and values of every layer and slot."""
        self._layers = self._cache.unbind(0)
        self._norm = _norm if device.type == "cpu" else functional.rms_norm
        cosines, sines = weights.config.rotations(window)
        self._cosines, self._sines = cosines.to(device, dtype)[:, None], sines.to(device, dtype)[:, None]
        self._rows = torch.arange(slots, device=device)
        self._places = torch.arange(window, device=device)

    @property
    def cache_bytes(self) -> int:
        return self._cache.nbytes

    def decode(self, tokens: torch.Tensor, positions: torch.Tensor, lengths: int | Sequence[int]) -> torch.Tensor:
        """Computes one token of each of the first slots.

        Args:
            tokens: [takes] engine ids.
            positions: [takes] their positions.
            lengths: Positions that each take attends to, its own the last; 0 for an empty slot. Or one number for all,
                of which each take masks those after its own: a fixed shape, as CUDA graphs need it.

        Returns:
            [takes, sampled] logits of codes and END, float32.
        """
        takes = len(tokens)
        rows = self._rows[:takes]
        x = functional.embedding(tokens, self._weights.embedding).to(self._weights.dtype)
        rotation = self._cosines[positions], self._sines[positions]
        attend = self._attend_alike(positions, lengths) if isinstance(lengths, int) else self._attend_each(lengths)
        for number, layer in enumerate(self._weights.layers):
            query, kv = self._project(layer, x, rotation)
            self._layers[number][rows, :, :, positions] = kv
            grouped = query.view(takes, self._kv_heads, self._group, self._size)
            x = self._finish(layer, x, attend(grouped, number).reshape(takes, -1))
        logits = self._weights.head(self._normed(x, self._weights.norm))
        return logits[:, : self._weights.sampled].float()

    def prefill(self, slot: int, tokens: torch.Tensor, start: int) -> None:
        """Computes keys and values of a prompt's [n] tokens from position `start` on. Those before are in the cache."""
        end = start + len(tokens)
        x = functional.embedding(tokens, self._weights.embedding).to(self._weights.dtype)
        rotation = self._cosines[start:end], self._sines[start:end]
        mask = torch.zeros(len(tokens), end, dtype=x.dtype, device=x.device)
        mask.masked_fill_(self._places[:end] > self._places[start:end, None], -torch.inf)
        for layer, cache in zip(self._weights.layers, self._layers, strict=True):
            query, kv = self._project(layer, x, rotation)
            cache[slot, :, :, start:end] = kv.permute(1, 2, 0, 3)
            if layer is self._weights.layers[-1]:
                return  # nothing reads what it would add
            keys, values = cache[slot, :, :, None, :end].expand(-1, -1, self._group, -1, -1)
            grouped = query.view(len(tokens), self._kv_heads, self._group, self._size).permute(1, 2, 0, 3)
            attended = functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
            x = self._finish(layer, x, attended.permute(2, 0, 1, 3).reshape(len(tokens), -1))

    def copy(self, source: int, target: int, count: int) -> None:
        """Copies the first `count` positions of a slot to another."""
        self._cache[:, target, :, :, :count] = self._cache[:, source, :, :, :count]

    def _attend_alike(self, positions: torch.Tensor, length: int) -> Attention:
        """One call for all takes."""
        unseen = self._places[:length] > positions[:, None]
        mask = torch.zeros(unseen.shape, dtype=self._cache.dtype, device=unseen.device)
        mask = mask.masked_fill_(unseen, -torch.inf)[:, None, None]

        def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
            keys, values = self._layers[layer][: len(query), :, :, :length].unbind(1)
            return functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)

        return attend

    def _attend_each(self, lengths: Sequence[int]) -> Attention:
        """Calls for each take, of its own length.

        On a CPU the bits of a take, and its cost, would else depend on the lengths of the others. For so few queries,
        two products are faster than `scaled_dot_product_attention`.
        """
        takes = []
        for slot, length in enumerate(lengths):
            if length:
                keys, values = self._cache[:, slot, :, :, :length].unbind(1)
                takes.append((slot, keys.transpose(-1, -2).unbind(0), values.unbind(0)))
        scale = self._size**-0.5

        def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
            output = torch.zeros_like(query)
            queries, outputs = (query * scale).unbind(0), output.unbind(0)
            for slot, keys, values in takes:
                weights = torch.bmm(queries[slot], keys[layer]).softmax(-1)
                torch.bmm(weights, values[layer], out=outputs[slot])
            return output

        return attend

    def _project(
        self, layer: Layer, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, hidden] -> queries [n, heads, head_size], keys and values [n, 2, kv_heads, head_size], rotated."""
        projected = layer.query_key_value(self._normed(x, layer.attention_norm)).view(len(x), -1, self._size)
        rotated = projected[:, : self._heads + self._kv_heads]
        cosines, sines = rotation
        turned = rotated.roll(self._size // 2, -1)
        rotated.mul_(cosines).addcmul_(turned, sines)
        return projected[:, : self._heads], projected[:, self._heads :].unflatten(1, (2, self._kv_heads))

    def _finish(self, layer: Layer, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        x = x + layer.output(attended)
        gate, up = layer.gate_up(self._normed(x, layer.mlp_norm)).chunk(2, dim=-1)
        return x + layer.down(functional.silu(gate).mul_(up))

    def _normed(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return self._norm(x, weight.shape, weight, self._weights.config.epsilon)


def _norm(x: torch.Tensor, shape: Sequence[int], weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """`functional.rms_norm`, which is one operation on a GPU, but ten on a CPU, in half of the time."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    normed: torch.Tensor = length.square_().div_(shape[-1]).add_(epsilon).rsqrt_().mul(x).mul_(weight)
    return normed
