"""Paged attention for CPUs, computed for each request separately.

transformers' paged SDPA puts all requests of a batch into one row and masks each from the others: the work grows with
the square of the batch, and most of it is wasted. Flash attention avoids that, but has no CPU kernel. Here every
request attends to its own pages only; takes that share the pages of a prompt attend to them together.
"""

from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.generation.continuous_batching.cache import PagedAttentionCache

from scripts.bench.paged_engine.pages import Cached, Decode, Step

NAME: Final = "paged_rows"

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
"""The kernel that SDPA calls on a CPU; it returns the log-sum-exp, too."""
_steps: WeakKeyDictionary[PagedAttentionCache, Step] = WeakKeyDictionary()


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
        attention_mask: None, as the lengths suffice.
        scaling: Factor of the logits.
        cache: Holds the pages.
        cu_seq_lens_q: [requests + 1] where each request's new tokens begin and end.
        cu_seq_lens_k: [requests + 1] the same for its tokens in the cache, by layer type.
        read_index: Rows of the cache to read, by allocator; empty if nothing is cached yet.
        write_index: Rows of the cache for the new tokens, by allocator.

    Returns:
        [1, tokens, heads, head_dim], and no weights.
    """
    layer = cast("int", module.layer_idx)
    allocator = cache.layer_to_allocator[layer]
    keys, values = allocator._kv_token_views[layer]
    reads, writes = read_index[allocator.index], write_index[allocator.index]
    key, value = key[0].transpose(0, 1), value[0].transpose(0, 1)
    keys.index_copy_(0, writes, key)
    values.index_copy_(0, writes, value)
    if cache not in _steps:
        _steps[cache] = Step(allocator.tokens_per_page)
    step = _steps[cache]
    if layer == 0:
        step.begin(cu_seq_lens_q.tolist(), cu_seq_lens_k[allocator.layer_type].tolist(), reads)
    output = torch.empty_like(query)
    for prefill in step.prefills:
        new = slice(prefill.begin, prefill.end)
        own_keys = keys.index_select(0, prefill.rows) if len(reads) else key[new]
        own_values = values.index_select(0, prefill.rows) if len(reads) else value[new]
        output[:, :, new] = _prefill(query[:, :, new], own_keys, own_values, scaling)
    for decodes in step.decodes:
        tokens = [decode.token for decode in decodes]
        output[:, :, tokens] = _decode(query[:, :, tokens], decodes, layer, (keys, values), scaling)
    return output.transpose(1, 2), None


def _prefill(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scaling: float) -> torch.Tensor:
    """Causal attention whose queries are at the last of the keys' positions."""
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


def _decode(query: torch.Tensor, decodes: list[Decode], layer: int, cached: Cached, scaling: float) -> torch.Tensor:
    """Attention of one token per take, to its shared prompt and to its own tokens (arXiv:2402.05099, 3.1).

    Heads that share a key are treated as tokens of one head, and so are the takes that share a prompt.
    """
    kv_heads, takes = cached[0].shape[1], len(decodes)
    grouped = query.unflatten(1, (kv_heads, -1))  # [1, kv_heads, group, takes, head_dim]
    group = grouped.shape[2]
    prompt, prompt_sum = _flash(grouped.flatten(2, 3), *decodes[0].prompt.read(layer, cached), scale=scaling)
    parts = [
        _flash(grouped[:, :, :, n], *decode.own.read(layer, cached), scale=scaling) for n, decode in enumerate(decodes)
    ]
    own, own_sum = (torch.stack(part, dim=3) for part in zip(*parts, strict=True))
    share = torch.sigmoid(prompt_sum.unflatten(2, (group, takes)) - own_sum)
    return torch.lerp(own, prompt.unflatten(2, (group, takes)), share[..., None]).flatten(1, 2)


def register() -> None:
    """Registers the attention with transformers under `NAME`."""
    AttentionInterface.register(NAME, paged_rows)
    AttentionMaskInterface.register(NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    return None
