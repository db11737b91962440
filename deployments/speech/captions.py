"""Words with their times, as lines to read along."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from deployments.speech.events import Part
from deployments.whisper.protocol import Segment, Word

_LONGEST: Final = 6.0
"""Seconds that a line stands at most."""
_WIDEST: Final = 42
"""Characters of a line: the usual width of subtitles."""
_UNSPACED: Final = re.compile(
    r"[\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\U00020000-\U0003ffff]"
)
"""Characters of Chinese and Japanese, which have no spaces; Korean has."""


def captions(parts: Sequence[Part]) -> tuple[Segment, ...]:
    """Lines of what was heard; empty where nobody listened. Parts do not share a line."""
    return tuple(line for part in parts for line in _lines(part.words))


def cues(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Lines of a transcript. A segment whose words are not known is one, however long."""
    return tuple(line for segment in segments for line in _lines(segment.words) or [segment])


def _lines(words: Sequence[Word]) -> list[Segment]:
    lines: list[Segment] = []
    line: list[Word] = []
    for word in words:
        if line and (len(_text([*line, word])) > _WIDEST or word.end - line[0].start > _LONGEST):
            lines.append(_segment(line))
            line = []
        line.append(word)
    return [*lines, _segment(line)] if line else lines


def _segment(words: list[Word]) -> Segment:
    return Segment(_text(words), words[0].start, words[-1].end, tuple(words))


def _text(words: list[Word]) -> str:
    text = ""
    for word in words:
        spaced = text and word.text and not _UNSPACED.match(text[-1]) and not _UNSPACED.match(word.text)
        text += f" {word.text}" if spaced else word.text
    return text
