"""Finds where a text may be cut, and how long the pause is there."""

import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from itertools import pairwise
from typing import Final


class Boundary(IntEnum):
    """Kinds of boundaries, the best first."""

    PARAGRAPH = 0
    SENTENCE = 1
    CLAUSE = 2
    WORD = 3
    CHARACTER = 4
    """Last resort, for a word longer than a chunk."""

    @property
    def pause(self) -> float:
        """Seconds."""
        return (0.6, 0.35, 0.15, 0.05, 0.05)[self]


_CLOSING: Final = "\"'”’«»‹›)\\]）】」』》"
_EMOJI: Final = "\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff"
_SENTENCE: Final = re.compile(
    rf"(?<![.!?…۔])[.!?…۔]++[{_CLOSING}]*+(?:[ \u00a0\u202f]»(?=\s))?+(?: ?[{_EMOJI}]++)?+(?=\s)"
    rf"|[。！？｡؟।॥።፧։။។]+[{_CLOSING}]*|\n"
)
_CLAUSE: Final = re.compile(
    rf"[,;:][{_CLOSING}]*(?=\s)|[،؛][{_CLOSING}]*(?!\d)|[，、；：､፣፤፥၊]+[{_CLOSING}]*|\s[-–—](?=\s)|—+"
)
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_SPACED: Final = re.compile(r"(?<!\d)\d{1,3}(?:\s\d{3}(?!\d))+")
"""1 234 567."""

_UNSPACED: Final = "\u3040-\u9fff\uac00-\ud7af"
_WORD: Final = re.compile(
    rf"(?:https?://|www\.)\S+|{_SPACED.pattern}|\d+(?:[.,:/-]\d+)*|[{_UNSPACED}]"
    rf"|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*"
)
MOST_REPEATS: Final = 4
"""Maximum repetitions of a word or phrase within a chunk: models miscount six and more."""
_MISCOUNTED: Final = 6
_PHRASE: Final = 12
"""Maximum characters of a phrase in a script without spaces; any other word counts as three."""

_LONGEST_ABBREVIATION: Final = 16
_NEXT: Final = re.compile(r"\s*(\S?)")
_ABBREVIATIONS: Final = re.compile(
    "mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|nos?|vol|figs?|eq|sec|ch|pp|eds?|al|cf|ca|approx|dept|est|gen|gov|hon|inc|ltd|co|"
    "corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mt|rev|sgt|capt|col|lt|cmdr|min|max|tel|ext|ave|blvd|rd|mon|"
    "tues?|wed|thur?|fri|sat|sun"
)


def boundaries(text: str, kind: Boundary) -> Iterator[int]:
    """Yields the positions of boundaries of this kind, each just after what belongs to the part before it."""
    if kind is Boundary.PARAGRAPH:
        yield from (match.end() for match in _PARAGRAPH.finditer(text))
    elif kind is Boundary.SENTENCE:
        yield from (match.end() for match in _SENTENCE.finditer(text) if not _abbreviates(text, match))
    elif kind is Boundary.CLAUSE:
        yield from (match.end() for match in _CLAUSE.finditer(text))
    elif kind is Boundary.WORD:
        yield from (at for at in range(1, len(text)) if _between_words(text[at - 1], text[at], text[at - 2 : at - 1]))
    else:
        yield from _last_resort(text)


def repeats(text: str) -> Iterator[int]:
    """Yields positions that split a word or phrase repeated six or more times into runs of MOST_REPEATS."""
    for start, end in pairwise([0, *boundaries(text, Boundary.PARAGRAPH), len(text)]):
        yield from (start + at for at in _repeats(text[start:end]))


def _repeats(text: str) -> Iterator[int]:
    # Combining marks are parts of words, but \w does not match them.
    shape = "".join("m" if unicodedata.category(character).startswith("M") else character for character in text)
    spans = [match.span() for match in _WORD.finditer(shape)]
    words = [text[start:end].lower() for start, end in spans]
    for size in range(1, _PHRASE + 1):
        same = 0  # number of words up to here that equal the word `size` before them
        for at in range(size, len(words) + 1):
            if at < len(words) and words[at] == words[at - size]:
                same += 1
                continue
            first, count = at - same - size, same + size
            same = 0
            if count < _MISCOUNTED * size or sum(map(_weight, words[first : first + size])) > _PHRASE:
                continue
            # Phrases begin after punctuation: "thank you, I love you, I love you" does not repeat "you, I love".
            gaps = [text[spans[n - 1][1] : spans[n][0]] for n in range(first + size, first + 2 * size)]
            shift = next((n for n, gap in enumerate(gaps) if gap.strip()), 0)
            for repeat in range(MOST_REPEATS, (count - shift) // size, MOST_REPEATS):
                n = first + shift + repeat * size
                yield _before(text, spans[n - 1][1], spans[n][0])


def _weight(word: str) -> int:
    return 1 if len(word) == 1 and re.match(f"[{_UNSPACED}]", word) else 3


def _before(text: str, after: int, start: int) -> int:
    # The position of a word, including its opening quotes.
    at = start
    while at > after and not text[at - 1].isspace():
        at -= 1
    return at if at > after else start


def _last_resort(text: str) -> list[int]:
    """Returns positions between numbers, else between the groups of a long list or code, else anywhere."""
    spaces = [at for at in range(1, len(text)) if text[at - 1].isspace() and not text[at].isspace()]
    within = {at for match in _SPACED.finditer(text) for at in range(match.start() + 1, match.end())}
    anywhere = (at for at in range(1, len(text)) if not unicodedata.category(text[at]).startswith("M"))
    return [at for at in spaces if at not in within] or spaces or list(anywhere)


def _abbreviates(text: str, match: re.Match[str]) -> bool:
    # Whether the full stop belongs to the word before it.
    if match.group()[0] != "." or match.group().startswith(".."):
        return False
    start = match.start()
    earliest = max(0, start - _LONGEST_ABBREVIATION)
    while start > earliest and not (text[start - 1].isspace() or text[start - 1] in "([\"'"):
        start -= 1
    word = text[start : match.start()].lower()
    after = _NEXT.match(text, match.end())
    return (
        bool(_ABBREVIATIONS.fullmatch(word))
        or (len(word) == 1 and word.isalpha())
        or "." in word
        or bool(after and after[1].islower())
    )


def _between_words(left: str, right: str, before: str) -> bool:
    if left.isspace():
        return not right.isspace() and not (before.isdigit() and right.isdigit())  # 10 000
    if not (_is_wide(left) or _is_wide(right)) or right.isspace():
        return False
    return unicodedata.category(right)[0] not in "MPZ" and not (left.isdigit() and right.isdigit())


def _is_wide(character: str) -> bool:
    return unicodedata.category(character) == "Lo" and unicodedata.east_asian_width(character) in "WF"
