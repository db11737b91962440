"""Where a text may be cut, and how long a voice rests there."""

import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from typing import Final


class Boundary(IntEnum):
    """Kinds of places to cut, the best first."""

    PARAGRAPH = 0
    SENTENCE = 1
    CLAUSE = 2
    WORD = 3
    CHARACTER = 4
    """For what has no other: a word longer than a chunk."""

    @property
    def pause(self) -> float:
        """Seconds."""
        return (0.6, 0.35, 0.15, 0.05, 0.05)[self]


_CLOSING: Final = "\"'”’)\\]）】」』》"
_SENTENCE: Final = re.compile(rf"[.!?…]+[{_CLOSING}]*(?=\s)|[。！？]+[{_CLOSING}]*|\n")
_CLAUSE: Final = re.compile(rf"[,;:][{_CLOSING}]*(?=\s)|[，、；：]+[{_CLOSING}]*|\s[-–—](?=\s)|—+")
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_REPEATS: Final = re.compile(
    r"\b(\w+)(?:[\s,.!?、，。！-]+\1\b){5,}|([\u3040-\u9fff\uac00-\ud7af]{1,4}?)\2{5,}", re.IGNORECASE
)
MOST_REPEATS: Final = 4
"""Times that a word may follow itself within a chunk: models miscount six and more."""

_ABBREVIATIONS: Final = re.compile(
    "mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|nos?|vol|figs?|eq|sec|ch|pp|eds?|al|cf|ca|approx|dept|est|gen|gov|hon|inc|ltd|co|"
    "corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mt|rev|sgt|capt|col|lt|cmdr|min|max|tel|ext|ave|blvd|rd|mon|"
    "tues?|wed|thur?|fri|sat|sun"
)


def boundaries(text: str, kind: Boundary) -> Iterator[int]:
    """Positions at which the text may be cut so, each just after what belongs to the part before it."""
    if kind is Boundary.PARAGRAPH:
        yield from (match.end() for match in _PARAGRAPH.finditer(text))
    elif kind is Boundary.SENTENCE:
        yield from (match.end() for match in _SENTENCE.finditer(text) if not _abbreviates(text, match))
    elif kind is Boundary.CLAUSE:
        yield from (match.end() for match in _CLAUSE.finditer(text))
    elif kind is Boundary.WORD:
        yield from (at for at in range(1, len(text)) if _between_words(text[at - 1], text[at], text[at - 2 : at - 1]))
    else:
        yield from (at for at in range(1, len(text)) if not unicodedata.category(text[at]).startswith("M"))


def repeats(text: str) -> Iterator[int]:
    """Positions that part a word said six times and more into runs of MOST_REPEATS."""
    for match in _REPEATS.finditer(text):
        word = re.escape(match[1] or match[2])
        starts = [found.start() for found in re.finditer(word, match.group(), re.IGNORECASE)]
        yield from (match.start() + at for at in starts[MOST_REPEATS::MOST_REPEATS])


def _abbreviates(text: str, match: re.Match[str]) -> bool:
    # Whether the full stop belongs to the word before it.
    if match.group()[0] != "." or match.group().startswith(".."):
        return False
    before = re.search(r"[^\s(\[\"']*$", text[: match.start()])
    word = before.group().lower() if before else ""
    after = text[match.end() :].lstrip()[:1]
    return bool(_ABBREVIATIONS.fullmatch(word)) or (len(word) == 1 and word.isalpha()) or "." in word or after.islower()


def _between_words(left: str, right: str, before: str) -> bool:
    if left.isspace():
        return not right.isspace() and not (before.isdigit() and right.isdigit())  # 10 000
    if not (_is_wide(left) or _is_wide(right)) or right.isspace():
        return False
    return unicodedata.category(right)[0] not in "MPZ" and not (left.isdigit() and right.isdigit())


def _is_wide(character: str) -> bool:
    return unicodedata.category(character) == "Lo" and unicodedata.east_asian_width(character) in "WF"
