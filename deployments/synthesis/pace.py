"""Estimates how many codes a text takes: a language's rate, adjusted to the voice."""

import re
import unicodedata
from collections.abc import Sized
from dataclasses import dataclass
from typing import Final

CODES_A_SECOND: Final = 50
_CJK_A_SECOND: Final = 4.5
_LETTERS_A_SECOND: Final = 15.0
_DIGITS_A_SECOND: Final = 4.0
_MARKS_A_SECOND: Final = 3.0
"""Characters read per second: typical rates."""
_MARK: Final = re.compile(r"(?<=\w)[./@:_#?=&+~](?=\w)|(?<![^\Ww])w(?=w{0,2}\.)")
"""Characters of addresses and numbers that are read out (dot, slash, at), and the letters of www."""
_UNSPOKEN: Final = frozenset({"So", "Sk", "Cf", "Cc", "Co", "Cn"})
"""Categories of characters that take no time: emoji and controls. Line breaks are pauses between chunks."""
_SILENT: Final = re.compile(r"(?<=[^\w\s])[^\w\s]+|(?<=\s)\s+|(?<!\w)[*_#|`~^\\]+|[*_#|`~^\\]+(?!\w)")
"""What adds no time: a second mark or space after the first, as in a row of dots or stars, and signs of markup"""
_SLOWEST: Final = 1.5
_FASTEST: Final = 0.7
"""Limit of a voice's deviation from its language's rate: beyond it, text and clip do not match."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Pace of a voice.

    Args:
        factor: Codes it takes, relative to its language's rate.
    """

    factor: float = 1.0

    @classmethod
    def of(cls, text: str, codes: int) -> "Pace":
        """Measures the pace of a reference with so many codes; the default without text."""
        typical = Pace().codes(text)
        return cls(min(max(codes / typical, _FASTEST), _SLOWEST)) if typical else cls()

    def codes(self, text: str) -> float:
        """Returns the expected codes of a text."""
        text = "".join(character for character in text if unicodedata.category(character) not in _UNSPOKEN)
        marks = len(_MARK.findall(text))
        text = _SILENT.sub("", text)
        digits = sum(map(str.isdecimal, text))
        wide = sum(unicodedata.east_asian_width(character) in "WF" and not character.isdecimal() for character in text)
        seconds = wide / _CJK_A_SECOND + digits / _DIGITS_A_SECOND + marks / _MARKS_A_SECOND
        seconds += (len(text) - wide - digits - marks) / _LETTERS_A_SECOND
        return seconds * CODES_A_SECOND * self.factor

    def bounds(self, text: str) -> tuple[int, int]:
        """Returns the fewest and most codes that a take of the text may have.

        A fifth of the expected length, below which a take certainly stopped too early, and three times as much and a
        second, beyond which it certainly ran away.
        """
        expected = self.codes(text)
        return max(1, round(expected / 5)), round(expected * 3) + CODES_A_SECOND


def seconds(codes: Sized) -> float:
    """Returns how long the speech of the codes lasts."""
    return len(codes) / CODES_A_SECOND
