"""Paged attention for CPUs, each request by itself.

transformers' paged SDPA lays all requests of a batch into one row and masks each from the others: the work grows with
the square of the batch, and most of it is thrown away. Flash attention knows better, but not on a CPU. Here every
request attends to its own pages only. While all of them speak, one token each, they are padded to one length and
attended to in one call.
"""

from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.generation.continuous_batching.cache import PagedAttentionCache

NAME: Final = "paged_rows"
_MOST_PADDING: Final = 2.0
"""Rows read for each row that counts, above which requests are attended to one by one."""


class _Step:
    """What the layers of a step share, and what the steps of an engine do."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, int, int, int]] = []
        """Where each request's new tokens begin and end, and where its tokens in the cache do."""
        self.rows: torch.Tensor | None = None
        """[requests, longest] rows of the cache, where requests are padded."""
        self.mask: torch.Tensor | None = None
        """[requests, 1, 1, longest] to be added to the logits."""
        self._gathered: list[torch.Tensor] = []

    def begin(self, new: list[int], total: list[int], reads: torch.Tensor) -> None:
        """Takes up a step, from its bounds of requests and its rows of the cache to read."""
        bounds = zip(new[:-1], new[1:], total[:-1], total[1:], strict=True)
        self.requests = [bound for bound in bounds if bound[0] < bound[1]]
        self.rows = self.mask = None
        count, longest = len(self.requests), max(last - first for _, _, first, last in self.requests)
        if new[-1] > count or count * longest > _MOST_PADDING * len(reads):
            return
        own = [reads[first:last] for _, _, first, last in self.requests]
        self.rows = pad_sequence(own, batch_first=True)
        padding = pad_sequence([torch.zeros(len(rows)) for rows in own], batch_first=True, padding_value=-torch.inf)
        self.mask = padding[:, None, None]

    def gather(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[rows, kv_heads, head_dim] of the cache -> two of [requests, kv_heads, longest, head_dim]."""
        assert self.rows is not None  # noqa: S101 - see `begin`
        rows = self.rows.flatten()
        # Into memory that is kept: to give so much back and get it again takes longer than to fill it.
        if not self._gathered or len(self._gathered[0]) < len(rows):
            self._gathered = [torch.empty(2 * len(rows), *keys.shape[1:], dtype=keys.dtype) for _ in range(2)]
        found = []
        for source, whole in zip((keys, values), self._gathered, strict=True):
            part = whole[: len(rows)]
            torch.index_select(source, 0, rows, out=part)
            found.append(part.view(*self.rows.shape, *keys.shape[1:]).transpose(1, 2))
        return found[0], found[1]


_steps: WeakKeyDictionary[PagedAttentionCache, _Step] = WeakKeyDictionary()


def paged_rows(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    scaling: float,
    cache: PagedAttentionCache,
    cu_seq_lens_q: torch.Tensor,
    cu_seq_lens_k: dict[str, torch.Tensor],
    read_index: list[torch.Tensor],
    write_index: list[torch.Tensor],
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over the paged cache, by the contract of `transformers.AttentionInterface`.

    Args:
        module: The attention layer, which knows its index.
        query: [1, heads, tokens, head_dim], the requests' new tokens one after another.
        key: [1, kv_heads, tokens, head_dim].
        value: [1, kv_heads, tokens, head_dim].
        attention_mask: None: the lengths say all.
        scaling: Of the logits.
        cache: Holds the pages.
        cu_seq_lens_q: [requests + 1] where each request's new tokens begin and end.
        cu_seq_lens_k: [requests + 1] likewise for its tokens in the cache, by layer type.
        read_index: Rows of the cache to read, by allocator; empty where nothing is cached yet.
        write_index: Rows of the cache for the new tokens, by allocator.

    Returns:
        [1, tokens, heads, head_dim], and no weights.
    """
    allocator = cache.layer_to_allocator[module.layer_idx]
    keys, values = allocator._kv_token_views[module.layer_idx]
    reads, writes = read_index[allocator.index], write_index[allocator.index]
    key, value = key[0].transpose(0, 1), value[0].transpose(0, 1)
    keys.index_copy_(0, writes, key)
    values.index_copy_(0, writes, value)
    step = _steps.setdefault(cache, _Step())
    if module.layer_idx == 0:
        step.begin(cu_seq_lens_q.tolist(), cu_seq_lens_k[allocator.layer_type].tolist(), reads)
    if step.rows is not None:
        # A token's heads that share a key are attended to as if they were tokens of one head.
        grouped = query[0].transpose(0, 1).unflatten(1, (keys.shape[1], -1))
        own_keys, own_values = step.gather(keys, values)
        spoken = scaled_dot_product_attention(grouped, own_keys, own_values, attn_mask=step.mask, scale=scaling)
        return spoken.flatten(1, 2)[None], None
    output = torch.empty_like(query)
    for begin, end, first, last in step.requests:
        if len(reads):
            rows = reads[first:last]
            own_keys, own_values = keys.index_select(0, rows), values.index_select(0, rows)
        else:
            own_keys, own_values = key[begin:end], value[begin:end]
        output[:, :, begin:end] = _attend(query[:, :, begin:end], own_keys, own_values, scaling)
    return output.transpose(1, 2), None


def _attend(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scaling: float) -> torch.Tensor:
    """Causal attention in which the queries are the last of the keys' positions."""
    queries, length = query.shape[2], keys.shape[0]
    mask = None
    if 1 < queries < length:
        mask = torch.ones(queries, length, dtype=torch.bool, device=query.device).tril(length - queries)
    return scaled_dot_product_attention(
        query,
        keys.transpose(0, 1)[None],
        values.transpose(0, 1)[None],
        attn_mask=mask,
        is_causal=queries == length > 1,
        scale=scaling,
        enable_gqa=True,
    )


def register() -> None:
    """Makes the attention known to transformers under `NAME`."""
    AttentionInterface.register(NAME, paged_rows)
    AttentionMaskInterface.register(NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    return None
