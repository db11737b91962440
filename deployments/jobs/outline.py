"""What a document would be as a job: its chapters, before anything is spoken."""

import re
from dataclasses import dataclass
from typing import Final, Self

from deployments.jobs.manuscript import Manuscript
from deployments.synthesis.pace import CODES_A_SECOND, Pace

_SHORTEST: Final = 60
_LONGEST: Final = 400
"""Characters of a paragraph that shows how a voice reads."""
_SENTENCES: Final = re.compile(r".*[.!?\u3002\uff01\uff1f]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChapterOutline:
    """A chapter."""

    number: int
    """From 1: by it, a job chooses the chapter."""
    title: str
    characters: int
    seconds: float
    """Estimated seconds of speech."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A document."""

    title: str | None
    author: str | None
    chapters: tuple[ChapterOutline, ...]
    seconds: float
    """Estimated seconds of speech."""
    paragraph: str
    """One to try a voice with."""
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, document: Manuscript) -> Self:
        """Returns the outline of a document."""
        chapters = tuple(
            ChapterOutline(number, each.title, len(each.text), round(Pace().codes(each.text) / CODES_A_SECOND, 1))
            for number, each in enumerate(document.chapters, 1)
        )
        seconds = round(sum(chapter.seconds for chapter in chapters), 1)
        return cls(document.title, document.author, chapters, seconds, _paragraph(document), document.warnings)


def _paragraph(document: Manuscript) -> str:
    """Returns the first paragraph that is long enough, shortened to whole sentences."""
    paragraphs = [each.strip() for chapter in document.chapters for each in chapter.text.split("\n\n")]
    found = next((each for each in paragraphs if len(each) >= _SHORTEST), max(paragraphs, key=len))
    if len(found) <= _LONGEST:
        return found
    whole = _SENTENCES.match(found[:_LONGEST])
    return whole[0] if whole else found[:_LONGEST]
