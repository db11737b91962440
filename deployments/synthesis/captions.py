"""Groups words with their times into caption lines.

The limits follow Netflix's Timed Text Style Guide ("General Requirements", "Subtitle Timing Guidelines") and the BBC's
Subtitle Guidelines.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from deployments.synthesis.events import Part
from deployments.text.alignment import TimedText, aligned
from deployments.whisper.protocol import Segment, Word

_LONGEST: Final = 6.0
"""Maximum seconds of a line. Netflix allows 7."""
_SHORTEST: Final = 5 / 6
"""Minimum seconds of a line, if the next one leaves room: Netflix's minimum."""
_PAUSE: Final = 0.5
"""Seconds of silence that end a line. Netflix closes shorter gaps between subtitles and keeps longer ones; the BBC
requires gaps of 1 s, but Whisper's words extend into the silence around them, so its gaps are shorter than pauses."""
_WIDEST: Final = 42
"""Maximum characters of a line: the usual width of subtitles, and Netflix's."""
_UNSPACED: Final = re.compile(
    r"[\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\U00020000-\U0003ffff]"
)
"""Characters of Chinese and Japanese, which have no spaces; Korean has them."""


def with_written_words(parts: Sequence[Part], written: str, language: str = "en") -> tuple[Part, ...]:
    """Returns the parts with the words of the written text, which have the times of those that Whisper heard.

    Args:
        parts: Parts of a speech, in order; those of which nothing was heard have no words.
        written: What captions show.
        language: Language of the text, ISO 639-1.
    """
    heard = [TimedText(word.text, word.start, word.end) for part in parts for word in part.words]
    sure = {word.start: word.probability for part in parts for word in part.words}
    words = [
        Word(word.text, round(word.start, 3), round(word.end, 3), sure.get(word.start, 1.0))
        for word in aligned(written, heard, language)
    ]
    edges = [part.start for part in parts[1:]] + [math.inf]
    timed: list[Part] = []
    for part, edge in zip(parts, edges, strict=True):
        count = next((n for n, word in enumerate(words) if word.start >= edge), len(words))
        timed.append(replace(part, words=tuple(words[:count])))
        words = words[count:]
    return tuple(timed)


def captions(parts: Sequence[Part]) -> tuple[Segment, ...]:
    """Returns caption lines of a speech's words; empty if Whisper did not time them. Parts do not share a line."""
    end = max((part.start + part.seconds for part in parts), default=0.0)
    return _readable([line for part in parts for line in _lines(part.words)], end)


def cues(segments: Iterable[Segment], duration: float = math.inf) -> tuple[Segment, ...]:
    """Returns the lines of a transcript.

    Args:
        segments: A segment without words becomes one line, however long.
        duration: Seconds of the clip.
    """
    return _readable([line for segment in segments for line in _lines(segment.words) or [segment]], duration)


def _lines(words: Sequence[Word]) -> list[Segment]:
    lines: list[Segment] = []
    line: list[Word] = []
    for word in words:
        if line and (
            word.start - line[-1].end >= _PAUSE
            or len(_text([*line, word])) > _WIDEST
            or word.end - line[0].start > _LONGEST
        ):
            lines.append(_segment(line))
            line = []
        line.append(word)
    return [*lines, _segment(line)] if line else lines


def _readable(lines: list[Segment], end: float) -> tuple[Segment, ...]:
    """Extends each line to a readable duration, but not into the next one or past the end."""
    following = [line.start for line in lines[1:]] + [end]
    return tuple(_extended(line, min(limit, end)) for line, limit in zip(lines, following, strict=False))


def _extended(line: Segment, limit: float) -> Segment:
    end = round(line.start + _SHORTEST, 3)
    # A line that starts together with the next one overlaps it: WebVTT has no cues without duration.
    return replace(line, end=max(line.end, min(end, limit) if limit > line.start else end))


def _segment(words: list[Word]) -> Segment:
    return Segment(_text(words), words[0].start, words[-1].end, tuple(words))


def _text(words: list[Word]) -> str:
    text = ""
    for word in words:
        text += f" {word.text}" if needs_space(text, word.text) else word.text
    return text


def needs_space(before: str, after: str) -> bool:
    """Returns whether a space belongs between two texts: not in Chinese and Japanese."""
    return bool(before and after and not _UNSPACED.match(before[-1]) and not _UNSPACED.match(after))
