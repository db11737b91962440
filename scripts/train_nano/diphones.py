"""A text's cells: from the middle of one sound to the middle of the next.

How long each half lasts is what espeak-ng takes on average where these two meet. The same sounds have always the same
cells, which is what a Llama of a few million weights can learn.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from .cells import Cells
from .phones import COMMA, EDGE, PHONES, STOP, UNKNOWN

PAUSES: Final = {COMMA: 6, STOP: 12}
"""Codes of silence."""
_SURE: Final = 6
"""Meetings of a pair that count as much as what its sounds last elsewhere."""
_RATE: Final = 50


class Units:
    """The code book of pairs."""

    def __init__(self, pairs: dict[str, list[int]], pauses: dict[str, list[int]]) -> None:
        self.pairs, self.pauses = pairs, pauses

    @staticmethod
    def measure(met: list[tuple[str, float, float]], cells: Cells) -> "Units":
        """From pairs that met, with half of what each sound lasted."""
        first, second = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
        ending, beginning = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
        for pair, a, b in met:
            first[pair].append(a)
            second[pair].append(b)
            ending[pair[0]].append(a)
            beginning[pair[1]].append(b)

        def half(own: list[float], elsewhere: list[float]) -> int:
            typical = float(np.mean(elsewhere)) if elsewhere else 0.04
            return max(1, round((sum(own) + _SURE * typical) / (len(own) + _SURE) * _RATE))

        pairs = {}
        for left in EDGE + PHONES:
            for right in PHONES + EDGE:
                pair = left + right
                if pair == 2 * EDGE:
                    continue
                said: list[int] = []
                if left != EDGE:
                    said += cells.of(left, 0.5, 1.0, half(first[pair], ending[left]))
                if right != EDGE:
                    said += cells.of(right, 0.0, 0.5, half(second[pair], beginning[right]))
                pairs[pair] = said
        return Units(pairs, {mark: cells.pause(count) for mark, count in PAUSES.items()})

    def cells(self, symbols: str) -> list[int]:
        """The cells that speak these symbols (`phones.SYMBOLS`)."""
        return self.aligned(symbols)[0]

    def aligned(self, symbols: str) -> tuple[list[int], list[int]]:
        """The cells, and to which symbol each leads; the last ones lead past the end."""
        said: list[int] = []
        towards: list[int] = []
        left = EDGE
        for i, symbol in enumerate(symbols.replace(UNKNOWN, "Ʌ") + EDGE):
            if symbol in PAUSES or symbol == EDGE:
                said += self.pairs[left + EDGE] if left != EDGE else []
                said += self.pauses.get(symbol, [])
                left = EDGE
            else:
                said += self.pairs[left + symbol]
                left = symbol
            towards += [i] * (len(said) - len(towards))
        return said, towards

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"pauses": self.pauses, "pairs": self.pairs}, ensure_ascii=False))

    @staticmethod
    def load(path: Path) -> "Units":
        data = json.loads(path.read_text())
        return Units(data["pairs"], data["pauses"])
