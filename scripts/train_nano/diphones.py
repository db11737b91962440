"""Speech as a string of cells: from the middle of one sound to the middle of the next.

Every pair of sounds is spoken once by espeak-ng in a carrier, cut at the middles, and quantised.
A sentence is the joined strings of its pairs: the same text has always the same cells, which is
what a Llama of two million weights can learn in minutes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from .cells import Cells
from .espeak import Espeak, Speech, Voice
from .frames import HOP, Floats, envelopes, features, power
from .phones import COMMA, EDGE, PHONES, STOP, UNKNOWN, VOWELS, to_espeak

BASE: Final = Voice(pitch=60)
"""100 Hz."""
PAUSES: Final = {COMMA: 5, STOP: 10}
"""Codes of silence."""
_VOWEL: Final = frozenset("".join(VOWELS.values()) + "".join(VOWELS.values()).upper())
_STOPS: Final = frozenset("PBTDCJKG")
_LEAD: Final = 2
"""Codes of silence around speech."""


def _carrier(left: str, right: str) -> tuple[str, int]:
    """What to speak, and where in it the left sound is."""
    before = "" if left == EDGE else "əT" if left in _VOWEL else "ə"
    after = "" if right == EDGE else "TəTə" if right in _VOWEL else "əTə"
    return before + left.strip() + right.strip() + after, len(before)


def _middle(start: float, end: float, phone: str) -> float:
    return start + (end - start) * (0.3 if phone in _STOPS else 0.5)


def _bounds(speech: Speech, left: str, right: str, at: int, count: int) -> tuple[float, float]:
    """Seconds from middle to middle. Raises where espeak spoke other sounds than it was asked for."""
    times = [t for t, name in speech.phonemes if not name.startswith("_")]
    if len(times) == count + 1 and left in _VOWEL and right in _VOWEL:
        del times[at + 1]  # a glide that espeak puts between two vowels
    if len(times) != count:
        raise ValueError(f"{left}{right}: {count} sounds asked, {len(times)} spoken")
    times.append(next(t for t, name in speech.phonemes if name.startswith("_") and t > times[-1]))
    if left == EDGE:
        return times[0] - _LEAD * HOP / 16000, _middle(times[0], times[1], right)
    begin = _middle(times[at], times[at + 1], left)
    if right == EDGE:
        return begin, times[at + 1] + _LEAD * HOP / 16000
    return begin, _middle(times[at + 1], times[at + 2], right)


def record(espeak: Espeak) -> Iterator[tuple[str, Floats, Floats]]:
    """Every pair with its features and envelopes."""
    for left in EDGE + PHONES:
        for right in PHONES + EDGE:
            if left == right == EDGE:
                continue
            text, at = _carrier(left, right)
            speech = espeak.say(to_espeak(text), BASE, phonemes=True)
            begin, end = _bounds(speech, left, right, at, len(text))
            count = max(1, round((end - begin) * 16000 / HOP))
            times = begin + (np.arange(count) + 0.5) / count * (end - begin)
            spectra = power(speech.audio, (times * 16000).clip(-320, len(speech.audio) + 320))
            yield left + right, features(spectra, speech.voiced(times)), envelopes(spectra)


class Units:
    """The code book of pairs."""

    def __init__(self, pairs: dict[str, list[int]], silence: int) -> None:
        self.pairs, self.silence = pairs, silence

    @staticmethod
    def quantise(recorded: list[tuple[str, Floats]], cells: Cells) -> "Units":
        return Units({pair: cells.quantise(frames) for pair, frames in recorded}, cells.silence)

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
                said += [self.silence] * PAUSES.get(symbol, 0)
                left = EDGE
            else:
                said += self.pairs[left + symbol]
                left = symbol
            towards += [i] * (len(said) - len(towards))
        return said, towards

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"silence": self.silence, "pairs": self.pairs}, ensure_ascii=False))

    @staticmethod
    def load(path: Path) -> "Units":
        data = json.loads(path.read_text())
        return Units(data["pairs"], data["silence"])
