"""Reads subtitles to be spoken: SubRip and WebVTT."""

import html
import re
from dataclasses import dataclass
from typing import Final

from deployments.errors import InvalidInput

_TIMES: Final = re.compile(
    r"^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
)
_TAGS: Final = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
"""Markup of WebVTT and SubRip, and positions."""
_MOST: Final = 50_000
_LONGEST_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it is spoken."""

    start: float
    """Seconds."""
    end: float
    text: str


def read_subtitles(text: str) -> tuple[Cue, ...]:
    """Returns the cues of a file, in the order of their times. Cues without words are left out.

    Raises:
        InvalidInput: there are none, or too many, or they last longer than a day.
    """
    cues = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n\ufeff").split("\n")
        at = next((n for n, line in enumerate(lines[:3]) if _TIMES.match(line)), None)
        if at is None:
            continue
        times = _TIMES.match(lines[at])
        spoken = " ".join(html.unescape(_TAGS.sub("", " ".join(lines[at + 1 :]))).split())
        if times and any(character.isalnum() for character in spoken):
            start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
            cues.append(Cue(start, max(start, end), spoken))
    if not cues:
        raise InvalidInput("The file has no cues with words.", "file")
    if len(cues) > _MOST or max(cue.end for cue in cues) > _LONGEST_S:
        raise InvalidInput(f"The file has more than {_MOST} cues, or they last longer than a day.", "file")
    return tuple(sorted(cues, key=lambda cue: cue.start))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return (
        int(hours or 0) * 3600
        + int(minutes or 0) * 60
        + int(seconds or 0)
        + int((fraction or "0").ljust(3, "0")) / 1000
    )
