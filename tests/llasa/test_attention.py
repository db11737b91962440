"""Attention over pages against a plain softmax over each request's own tokens."""

from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from deployments.llasa.attention import paged_rows

PAGE, SIZE, SCALE = 4, 8, 0.3


class Cache:
    """As much of transformers' paged cache as the attention sees: one layer."""

    def __init__(self, rows: int, kv_heads: int) -> None:
        self.views = torch.randn(rows, kv_heads, SIZE), torch.randn(rows, kv_heads, SIZE)
        self.layer_to_allocator: Any = [
            SimpleNamespace(index=0, layer_type="full", tokens_per_page=PAGE, _kv_token_views=[self.views])
        ]

    def attend(self, query: torch.Tensor, new: list[list[int]], total: list[list[int]]) -> torch.Tensor:
        """[tokens, heads, head_dim] of requests with these new rows, among these rows of each."""
        keys, values = self.views
        written = torch.tensor([*chain(*new)])
        output, _ = paged_rows(
            SimpleNamespace(layer_idx=0),  # type: ignore[arg-type]
            query.transpose(0, 1)[None],
            keys[written].transpose(0, 1)[None],
            values[written].transpose(0, 1)[None],
            None,
            scaling=SCALE,
            cache=self,
            cu_seq_lens_q=bounds(new),
            cu_seq_lens_k={"full": bounds(total)},
            read_index=[torch.tensor([*chain(*total)])],
            write_index=[written],
        )
        return output[0]

    def expected(self, query: torch.Tensor, new: list[list[int]], total: list[list[int]]) -> torch.Tensor:
        heads = []
        token = 0
        for own, rows in zip(new, total, strict=True):
            for place in range(len(own)):
                seen = rows[: len(rows) - len(own) + place + 1]
                keys, values = (part[seen].repeat_interleave(query.shape[1] // part.shape[1], 1) for part in self.views)
                weights = (torch.einsum("hd,thd->ht", query[token], keys) * SCALE).softmax(-1)
                heads.append(torch.einsum("ht,thd->hd", weights, values))
                token += 1
        return torch.stack(heads)


def bounds(parts: list[list[int]]) -> torch.Tensor:
    return torch.tensor([0, *(len(part) for part in parts)]).cumsum(0)


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_takes_that_share_a_prompt_strangers_and_prompts_each_attend_to_their_own(kv_heads: int) -> None:
    cache = Cache(200, kv_heads)
    prompt = list(range(40, 52))
    speaking = [[*prompt, 0, 1], [*prompt, 8, 9, 10], [*range(100, 109)]]
    for step in range(6):
        new = [[rows[-1]] for rows in speaking]
        total = [list(rows) for rows in speaking]
        if step == 3:  # somebody's prompt is read beside them
            new.insert(1, [160, 161, 162])
            total.insert(1, [150, 151, 152, 153, 160, 161, 162])
        query = torch.randn(sum(map(len, new)), 6, SIZE)
        torch.testing.assert_close(cache.attend(query, new, total), cache.expected(query, new, total))
        for n, rows in enumerate(speaking):
            rows.append(120 + 10 * n + step)
