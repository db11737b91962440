"""What the page shows of a book before it is spoken."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deployments.jobs.manuscript import Manuscript, read_file
from deployments.synthesis.pace import CODES_A_SECOND, Pace

_SHORTEST: Final = 60
_LONGEST: Final = 400
"""Characters of a paragraph that shows how a voice reads."""
_SENTENCES: Final = re.compile(r".*[.!?\u3002\uff01\uff1f]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Outline:
    """A book."""

    title: str
    author: str
    chapters: tuple[tuple[str, float], ...]
    """Title and estimated seconds of each."""
    paragraph: str
    """One to try a voice with."""
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> Self:
        """Reads a file. Blocks.

        Raises:
            ServiceError: it cannot be read.
        """
        book = read_file(Path(path).read_bytes(), Path(path).name)
        return cls(
            book.title or "",
            book.author or "",
            tuple((chapter.title, Pace().codes(chapter.text) / CODES_A_SECOND) for chapter in book.chapters),
            _paragraph(book),
            book.warnings,
        )

    @property
    def seconds(self) -> float:
        """Estimated seconds of speech."""
        return sum(seconds for _, seconds in self.chapters)


def _paragraph(book: Manuscript) -> str:
    """Returns the first paragraph that is long enough, shortened to whole sentences."""
    paragraphs = [each.strip() for chapter in book.chapters for each in chapter.text.split("\n\n")]
    found = next((each for each in paragraphs if len(each) >= _SHORTEST), max(paragraphs, key=len))
    if len(found) <= _LONGEST:
        return found
    whole = _SENTENCES.match(found[:_LONGEST])
    return whole[0] if whole else found[:_LONGEST]
