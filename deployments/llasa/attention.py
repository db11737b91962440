"""Paged attention for CPUs, one request at a time.

transformers' paged SDPA lays all requests of a batch into one row and masks each from the others: the work grows with
the square of the batch, and most of it is thrown away. Flash attention knows better, but not on a CPU. Here every
request attends to its own pages only, which costs what it should and makes a request's attention independent of the
batch around it.
"""

from typing import Any, Final

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.generation.continuous_batching.cache import PagedAttentionCache

NAME: Final = "paged_rows"


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
    new = cu_seq_lens_q.tolist()
    total = cu_seq_lens_k[allocator.layer_type].tolist()
    output = torch.empty_like(query)
    for begin, end, first, last in zip(new[:-1], new[1:], total[:-1], total[1:], strict=True):
        if begin == end:
            continue
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
