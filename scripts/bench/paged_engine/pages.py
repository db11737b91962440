"""Gathers the rows of the paged cache once for many steps instead of in every step."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import torch

Cached = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of a layer, each [rows, kv_heads, head_dim]."""

_SPARE: Final = 256
"""Tokens by which gathered rows can grow before they are gathered again."""


class Gathered:
    """Rows of the cache, contiguous for each layer: [2, kv_heads, room, head_dim]."""

    def __init__(self, rows: torch.Tensor, spare: int = 0) -> None:
        self.length = len(rows)
        self._rows = rows.clone()  # the engine overwrites these with the next step's rows
        self._room = self.length + spare
        self._newest: int | None = None
        self._layers: dict[int, torch.Tensor] = {}

    def grow(self, newest: int) -> bool:
        """Adds the row of a step; returns false if there is no room for it."""
        self.length += 1
        self._newest = newest
        return self.length <= self._room

    def read(self, layer: int, cached: Cached) -> torch.Tensor:
        """Returns keys and values, [2, 1, kv_heads, rows, head_dim].

        Call it for every layer in the step that created it, and in each step that grew it.
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
    """A request whose prompt is being read."""

    begin: int
    end: int
    """End of its new tokens in the step."""
    rows: torch.Tensor
    """Rows of its tokens in the cache; empty if nothing is cached yet."""


@dataclass(frozen=True, slots=True)
class Decode:
    """A request that gets one token per step."""

    token: int
    """Its index in the step."""
    prompt: Gathered
    """The pages that its prompt fills. Other requests may share them."""
    own: Gathered
    """Its remaining rows."""


class Step:
    """What the layers of a step share, kept from step to step.

    Args:
        page: Tokens per page.
    """

    def __init__(self, page: int) -> None:
        self._page = page
        self._last: dict[int, Decode] = {}
        """Requests of the last step, by the row of their newest token."""
        self._prompts = WeakValueDictionary[tuple[int, int], Gathered]()
        """Prompts in use, by their number of rows and their last row."""
        self.prefills: list[Prefill] = []
        self.decodes: list[list[Decode]] = []
        """Requests grouped by shared prompt."""

    def begin(self, new: list[int], total: list[int], reads: torch.Tensor) -> None:
        """Begins a step.

        Args:
            new: [requests + 1] where each request's new tokens begin and end.
            total: [requests + 1] where its rows in `reads` begin and end.
            reads: Rows of the cache; empty if nothing is cached yet.
        """
        last, self._last, self.prefills = self._last, {}, []
        together = defaultdict[Gathered, list[Decode]](list)
        for begin, end, first, after in zip(new[:-1], new[1:], total[:-1], total[1:], strict=True):
            rows = reads[first:after]
            if end - begin == 1 and len(rows) > self._page:
                previous, newest = rows[-2:].tolist()
                # Removed: two equal requests may have shared that row until now, and diverge from here.
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
