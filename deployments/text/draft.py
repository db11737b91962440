"""A text whose spans are read one after another, each once."""

import re
from collections.abc import Callable
from typing import Final

_FIRST: Final = 0xF0000
_LAST: Final = 0x10FFFD
_HELD: Final = re.compile(r"[\U000f0000-\U0010fffd]")

Reader = Callable[[re.Match[str]], str | None]
"""Returns the words for a match; its own text, to keep that whole; None, to leave it to later rules."""


class Draft:
    """Holds what was read out of the way of later rules, behind private characters.

    Args:
        text: A text without private characters.
    """

    def __init__(self, text: str) -> None:
        self._text = _HELD.sub("", text)
        self._held: list[str] = []
        self._written: list[str] = []
        """What was read as each of those."""

    def read(self, pattern: re.Pattern[str], reader: Reader) -> None:
        """Reads every match of the pattern."""
        self._text = pattern.sub(lambda match: self._hold(match, reader(match)), self._text)

    def keep(self, pattern: re.Pattern[str]) -> None:
        """Keeps every match as it is written, also where a part of it was read."""
        self.read(pattern, lambda match: _HELD.sub(lambda held: self._written[_place(held[0])], match.group()))

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Changes what was not read. The change must keep private characters."""
        self._text = change(self._text)

    def finish(self) -> str:
        """Returns the text with what was read, parted by spaces from letters and digits beside it."""
        parts: list[str] = []
        for piece in re.split(f"({_HELD.pattern})", self._text):
            words = self._held[_place(piece)] if _HELD.fullmatch(piece) else piece
            if words and parts and _spaced(parts[-1][-1]) and _spaced(words[0]):
                parts.append(" ")
            if words:
                parts.append(words)
        return "".join(parts)

    def _hold(self, match: re.Match[str], words: str | None) -> str:
        if words is None or _FIRST + len(self._held) > _LAST:
            return match.group()
        self._written.append(_HELD.sub(lambda held: self._written[_place(held[0])], match.group()))
        self._held.append(_HELD.sub(lambda held: self._held[_place(held[0])], words))
        return chr(_FIRST + len(self._held) - 1)


def _place(held: str) -> int:
    return ord(held) - _FIRST


def _spaced(character: str) -> bool:
    return character.isalnum() and not "\u2e80" <= character <= "\u9fff"
