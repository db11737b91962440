"""Keys and values of all takes, and the attention to them."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch.nn import functional

Attention = Callable[[torch.Tensor, int], torch.Tensor]
"""Queries [takes, kv_heads, group, head_size] and the number of a layer -> what they attend to, of the same shape."""
_FLASH_CAPABILITY: Final = (8, 0)
_FLASH_MULTIPLE: Final = 8


class Cache:
    """The cache of a fixed number of slots. Positions of a slot are those of its take's tokens.

    Args:
        layers: Number of layers.
        slots: Takes that can be in the cache.
        kv_heads: Heads of keys and values.
        window: Tokens of the longest take.
        head_size: Numbers of a head.
        dtype: Their type.
        device: Where they are.
    """

    def __init__(
        self,
        layers: int,
        slots: int,
        kv_heads: int,
        window: int,
        head_size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._all = torch.zeros(layers, slots, 2, kv_heads, window, head_size, dtype=dtype, device=device)
        self._layers = self._all.unbind(0)
        self._window = window
        self._scale = head_size**-0.5
        self._slots = torch.arange(slots, device=device)
        self._places = torch.arange(window, device=device)
        self._packed: list[tuple[torch.Tensor, torch.Tensor]] = []
        if _has_flash(device, head_size):
            # Rows of a head. A slot begins where those of the slots before end; its heads are `window` rows apart.
            begins = torch.arange(slots + 1, device=device) * 2 * kv_heads * window
            self._key_begins = begins.int()
            self._query_begins = torch.arange(slots + 1, dtype=torch.int32, device=device)
            shape, strides = (int(begins[-2]) + window, kv_heads, head_size), (head_size, window * head_size, 1)
            for layer in self._layers:
                keys, values = (part.as_strided(shape, strides, part.storage_offset()) for part in layer[0].unbind(0))
                self._packed.append((keys, values))

    @property
    def bytes(self) -> int:
        return self._all.nbytes

    @property
    def kind(self) -> str:
        """How takes attend in a step of fixed shape, in words."""
        return "flash attention" if self._packed else "scaled_dot_product_attention with a mask"

    def copy(self, source: int, target: int, count: int) -> None:
        """Copies the first `count` positions of a slot to another."""
        self._all[:, target, :, :, :count] = self._all[:, source, :, :, :count]

    def write(self, layer: int, positions: torch.Tensor, kv: torch.Tensor) -> None:
        """Stores keys and values [takes, 2, kv_heads, head_size] of the first slots' tokens at [takes] positions."""
        self._layers[layer][self._slots[: len(kv)], :, :, positions] = kv

    def attention(self, positions: torch.Tensor, lengths: Sequence[int] | None) -> Attention:
        """Returns the attention of one token of each of the first slots to its take.

        Args:
            positions: [takes] of the tokens.
            lengths: Tokens of each take with this one, 0 for an empty slot; None: read from `positions`, as a CUDA
                graph needs it.
        """
        if lengths is not None:
            return self._exact(lengths)
        return self._flash(positions) if self._packed else self._masked(positions)

    def extend(self, layer: int, slot: int, start: int, kv: torch.Tensor) -> None:
        """Stores keys and values [n, 2, kv_heads, head_size] of a prompt's tokens from position `start` on."""
        self._layers[layer][slot, :, :, start : start + len(kv)] = kv.permute(1, 2, 0, 3)

    def prompt_attention(self, slot: int, start: int, end: int) -> Attention:
        """Returns the causal attention of a prompt's tokens from position `start` to `end`; `takes` are tokens here."""
        if self._packed:
            ends = torch.tensor([0, end - start, self._window, end], dtype=torch.int32).to(self._all.device)
            queries, keys_end, used = ends[:2], ends[::2].contiguous(), ends[3:]

            def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
                keys, values = self._layers[layer][slot].transpose(1, 2)
                return _flash(query, keys, values, queries, keys_end, used, end - start, self._window)

            return attend
        mask = self._mask(self._places[start:end], end)

        def attend_masked(query: torch.Tensor, layer: int) -> torch.Tensor:
            keys, values = self._layers[layer][slot, :, :, None, :end].expand(-1, -1, query.shape[2], -1, -1)
            queries = query.permute(1, 2, 0, 3)
            attended = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
            return attended.permute(2, 0, 1, 3)

        return attend_masked

    def _flash(self, positions: torch.Tensor) -> Attention:
        """One call for all takes, which reads exactly their tokens: for GPUs since Ampere."""
        takes = len(positions)
        queries, begins, used = self._query_begins[: takes + 1], self._key_begins[: takes + 1], (positions + 1).int()

        def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
            return _flash(query, *self._packed[layer], queries, begins, used, 1, self._window)

        return attend

    def _masked(self, positions: torch.Tensor) -> Attention:
        """One call for all takes, which reads the whole window."""
        mask = self._mask(positions, self._window)[:, None, None]

        def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
            keys, values = self._layers[layer][: len(query)].unbind(1)
            return functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)

        return attend

    def _exact(self, lengths: Sequence[int]) -> Attention:
        """Calls for each take, of its own length.

        On a CPU the bits of a take, and its cost, would else depend on the lengths of the others. For so few queries,
        two products are faster than `scaled_dot_product_attention`.
        """
        takes = []
        for slot, length in enumerate(lengths):
            if length:
                keys, values = self._all[:, slot, :, :, :length].unbind(1)
                takes.append((slot, keys.transpose(-1, -2).unbind(0), values.unbind(0)))

        def attend(query: torch.Tensor, layer: int) -> torch.Tensor:
            output = torch.zeros_like(query)
            queries, outputs = (query * self._scale).unbind(0), output.unbind(0)
            for slot, keys, values in takes:
                weights = torch.bmm(queries[slot], keys[layer]).softmax(-1)
                torch.bmm(weights, values[layer], out=outputs[slot])
            return output

        return attend

    def _mask(self, positions: torch.Tensor, end: int) -> torch.Tensor:
        """[n] positions -> [n, end], to be added to scores: each sees the positions up to its own."""
        unseen = self._places[:end] > positions[:, None]
        return torch.zeros(unseen.shape, dtype=self._all.dtype, device=unseen.device).masked_fill_(unseen, -torch.inf)


def _has_flash(device: torch.device, head_size: int) -> bool:
    on_gpu = device.type == "cuda" and torch.cuda.get_device_capability(device) >= _FLASH_CAPABILITY
    return on_gpu and head_size % _FLASH_MULTIPLE == 0


def _flash(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    query_begins: torch.Tensor,
    key_begins: torch.Tensor,
    used: torch.Tensor,
    longest_query: int,
    longest_key: int,
) -> torch.Tensor:
    """torch's flash attention for sequences of different lengths, causal.

    `torch.nn.attention.varlen.varlen_attn` calls the same operation, but as an operation in Python, of 50 us a call.

    Args:
        query: [queries, kv_heads, group, head_size] of all sequences.
        keys: [rows, kv_heads, head_size], with any strides.
        values: Of the same shape.
        query_begins: [sequences + 1] where each begins, int32; the last is an end.
        key_begins: The same of keys and values.
        used: [sequences] keys that each attends to, int32; its last query is at the last of them.
        longest_query: Maximum queries of a sequence.
        longest_key: Maximum keys of a sequence.
    """
    attended: torch.Tensor = torch.ops.aten._flash_attention_forward(
        query.flatten(1, 2),
        keys,
        values,
        query_begins,
        key_begins,
        longest_query,
        longest_key,
        dropout_p=0.0,
        is_causal=longest_query > 1,
        return_debug_mask=False,
        seqused_k=used,
    )[0]
    return attended.view_as(query)
