"""Gives the words of a written text the times of the words heard."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Levenshtein

from deployments.text.wer import tokens

_UNSPACED: Final = "\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff"
_MARKS: Final = "\u3001-\u3011\uff01-\uff0f\uff1a-\uff1f\u201d\u2019\u2026"
_UNIT: Final = re.compile(rf"[{_UNSPACED}][{_MARKS}]*|[^\s{_UNSPACED}]+[{_MARKS}]*")
"""A word with its punctuation; in Chinese and Japanese, a character with it."""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A word with its times in seconds."""

    text: str
    start: float
    end: float


def aligned(written: str, heard: Sequence[TimedText], language: str = "en") -> list[TimedText]:
    """Returns the words of a text in order, with times; nothing if nothing was heard.

    Words are matched by how they are read, so that "$5" has the times of "five dollars". Words that were not heard
    share the time between their neighbours.

    Args:
        written: The text as captions show it.
        heard: Words in order of their times.
        language: Language of both, ISO 639-1.
    """
    units = _UNIT.findall(written)
    if not units or not heard:
        return []
    wanted, owners = _flat([tokens(unit, language) for unit in units])
    said, sources = _flat([tokens(word.text, language) for word in heard])
    slices = _slices(heard, sources)
    spans: list[tuple[float, float] | None] = [None] * len(units)
    for operation in Levenshtein.opcodes(wanted, said):
        here = operation.src_end - operation.src_start
        there = operation.dest_end - operation.dest_start
        if not here or not there:
            continue
        for at in range(here):
            first = operation.dest_start + at * there // here
            last = operation.dest_start + max((at + 1) * there // here, at * there // here + 1) - 1
            unit = owners[operation.src_start + at]
            span = spans[unit]
            start = slices[first][0] if span is None else span[0]
            spans[unit] = (start, max(slices[min(last, len(slices) - 1)][1], start))
    return _filled(units, spans, heard[0].start, heard[-1].end)


def units(text: str) -> list[str]:
    """Returns the words of a text with their punctuation; characters in Chinese and Japanese."""
    return _UNIT.findall(text)


def cut_like(spoken: Sequence[str], written: str) -> list[str]:
    """Cuts a written text where its spoken form is cut. Each of its words is in one piece."""
    units = [*_UNIT.finditer(written)]
    pieces = [[unit.casefold() for unit in _UNIT.findall(piece)] for piece in spoken]
    said = [unit for piece in pieces for unit in piece]
    operations = Levenshtein.opcodes([unit[0].casefold() for unit in units], said)
    starts, end = [0][: len(spoken)], 0
    for piece in pieces[:-1]:
        end += len(piece)
        at = next((each for each in operations if each.dest_start < end <= each.dest_end), None)
        here, there = (at.src_end - at.src_start, at.dest_end - at.dest_start) if at else (0, 1)
        starts.append(at.src_start + math.ceil(here * (end - at.dest_start) / there) if at else starts[-1])
    edges = [units[start].start() if start < len(units) else len(written) for start in starts]
    return [
        " ".join(written[one:other].split())
        for one, other in zip(edges, [*edges[1:], len(written)][: len(edges)], strict=True)
    ]


def _flat(parts: list[list[str]]) -> tuple[list[str], list[int]]:
    return [token for part in parts for token in part], [at for at, part in enumerate(parts) for _ in part]


def _slices(heard: Sequence[TimedText], sources: list[int]) -> list[tuple[float, float]]:
    # The tokens of a word share its time evenly.
    counts = Counter(sources)
    seen: Counter[int] = Counter()
    slices: list[tuple[float, float]] = []
    for source in sources:
        word = heard[source]
        step = (word.end - word.start) / counts[source]
        slices.append((word.start + seen[source] * step, word.start + (seen[source] + 1) * step))
        seen[source] += 1
    return slices


def _filled(units: list[str], spans: list[tuple[float, float] | None], begin: float, end: float) -> list[TimedText]:
    words: list[TimedText] = []
    at = 0
    while at < len(units):
        if span := spans[at]:
            start = max(span[0], words[-1].start if words else begin)
            words.append(TimedText(units[at], start, max(span[1], start)))
            at += 1
            continue
        upto = next((n for n in range(at, len(units)) if spans[n]), len(units))
        following = spans[upto] if upto < len(units) else None
        left = words[-1].end if words else begin
        right = max(following[0] if following else end, left)
        total = sum(map(len, units[at:upto]))
        for unit in units[at:upto]:
            step = (right - left) * len(unit) / total
            words.append(TimedText(unit, left, left + step))
            left, total = left + step, total - len(unit)
        at = upto
    return words
