"""What a step of the engine reads of the paged cache, gathered once instead of in every step."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import torch

Cached = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of a layer, each [rows, kv_heads, head_dim]."""

_SPARE: Final = 256
"""Tokens that gathered rows can grow by before they are gathered anew."""


class Gathered:
    """Rows of the cache, of each layer in one piece of memory: [2, kv_heads, room, head_dim]."""

    def __init__(self, rows: torch.Tensor, spare: int = 0) -> None:
        self.length = len(rows)
        self._rows = rows.clone()  # the engine writes the next step's rows over these
        self._room = self.length + spare
        self._newest: int | None = None
        self._layers: dict[int, torch.Tensor] = {}

    def grow(self, newest: int) -> bool:
        """By the row that a step adds; false where there is no room for it."""
        self.length += 1
        self._newest = newest
        return self.length <= self._room

    def read(self, layer: int, cached: Cached) -> torch.Tensor:
        """Keys and values, [2, 1, kv_heads, rows, head_dim].

        To be called of every layer in the step that it was made in, and in each in which it grew.
        """
        held = self._layers.get(layer)
        if held is None:
            _, heads, size = cached[0].shape
            held = self._layers[layer] = cached[0].new_empty(2, heads, self._room, size)
            for part, source in zip(held, cached, strict=True):
                part[:, : self.length] = source.index_select(0, self._rows).transpose(0, 1)
        elif self._newest is not None:
            for part, source in zip(held, cached, strict=True):
                part[:, self.length - 1] = source[self._newest]
        return held[:, None, :, : self.length]


@dataclass(frozen=True, slots=True)
class Prefill:
    """A request whose prompt is read."""

    begin: int
    end: int
    """Of its new tokens in the step."""
    rows: torch.Tensor
    """Of its tokens in the cache; empty where nothing is cached yet."""


@dataclass(frozen=True, slots=True)
class Decode:
    """A request that gets a token a step."""

    token: int
    """Its place in the step."""
    prompt: Gathered
    """The pages that its prompt fills. Others may share them."""
    own: Gathered
    """The rest of its rows."""


class Step:
    """What the layers of a step share, and what the steps of an engine do.

    Args:
        page: Tokens of a page.
    """

    def __init__(self, page: int) -> None:
        self._page = page
        self._last: dict[int, Decode] = {}
        """Those of the last step, by the row of their newest token."""
        self._prompts = WeakValueDictionary[tuple[int, int], Gathered]()
        """Of all of them, by how many rows they have and the last of them."""
        self.prefills: list[Prefill] = []
        self.decodes: list[list[Decode]] = []
        """Those who share a prompt together."""

    def begin(self, new: list[int], total: list[int], reads: torch.Tensor) -> None:
        """Takes up a step.

        Args:
            new: [requests + 1] where each request's new tokens begin and end.
            total: [requests + 1] where its rows in `reads` do.
            reads: Rows of the cache; empty where nothing is cached yet.
        """
        last, self._last, self.prefills = self._last, {}, []
        together = defaultdict[Gathered, list[Decode]](list)
        for begin, end, first, after in zip(new[:-1], new[1:], total[:-1], total[1:], strict=True):
            rows = reads[first:after]
            if end - begin == 1 and len(rows) > self._page:
                previous, newest = rows[-2:].tolist()
                # Taken out: two who said the same may have come to share that row, and go on apart.
                decode = self._decode(begin, rows, newest, last.pop(previous, None))
                self._last[newest] = decode
                together[decode.prompt].append(decode)
            elif begin < end:
                self.prefills.append(Prefill(begin, end, rows))
        self.decodes = list(together.values())

    def _decode(self, token: int, rows: torch.Tensor, newest: int, last: Decode | None) -> Decode:
        if last:
            own = last.own if last.own.grow(newest) else Gathered(rows[last.prompt.length :], _SPARE)
            return Decode(token, last.prompt, own)
        filled = (len(rows) - 1) // self._page * self._page
        known = filled, int(rows[filled - 1])
        prompt = self._prompts.get(known) or Gathered(rows[:filled])
        self._prompts[known] = prompt
        return Decode(token, prompt, Gathered(rows[filled:], _SPARE))
