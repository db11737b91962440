"""Replaces words whose spelling misleads the model, before normalisation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from pydantic import ConfigDict

from deployments.errors import InvalidInput

MOST: Final = 1000
"""Maximum entries that apply to one text."""
LONGEST: Final = 200
"""Maximum characters of a term, and of its replacement."""
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
"""Scripts without spaces between words: Japanese, Chinese, Thai."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a term is spoken.

    Raises:
        InvalidInput: the term is empty, or a text is too long.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    term: str
    replacement: str
    """How it is respelled; empty: the term is left out."""
    language: str | None = None
    """Language of the texts in which it applies, ISO 639-1; None: all."""
    voice: str | None = None
    """Name of the voice that it is for; None: all."""
    case: bool = False
    """Whether upper and lower case must be as in the term."""

    def __post_init__(self) -> None:
        if not self.term.strip():
            raise InvalidInput("A pronunciation's term is empty.", "pronunciations")
        if max(len(self.term), len(self.replacement)) > LONGEST:
            raise InvalidInput(f"A pronunciation has at most {LONGEST} characters.", "pronunciations")


class Pronunciations:
    """Entries that apply together.

    Whole words are replaced, the longest terms first; what was replaced is not replaced again. Of entries with the same
    term, one for the voice or the language takes precedence, then the last one.

    Args:
        entries: Later ones take precedence.

    Raises:
        InvalidInput: there are more than MOST.
    """

    def __init__(self, entries: Iterable[Pronunciation]) -> None:
        self._entries = tuple(entries)
        if len(self._entries) > MOST:
            raise InvalidInput(
                f"{len(self._entries)} pronunciations are too many: at most {MOST} are taken.", "pronunciations"
            )

    def apply(self, text: str, language: str = "en", voice: str | None = None) -> str:
        """Returns the text with its terms replaced.

        Args:
            text: As written.
            language: Language of the text, ISO 639-1; with `auto`, the entries of all languages apply.
            voice: Name of the voice that speaks it.
        """
        found = _compiled(self._entries, language, voice)
        if found is None:
            return text
        pattern, exact, folded = found

        return pattern.sub(lambda match: _replacement(match.group(), exact, folded), text)


def _replacement(written: str, exact: dict[str, str], folded: dict[str, str]) -> str:
    key = _key(written)
    return exact[key] if key in exact else folded.get(key.casefold(), written)


@lru_cache(maxsize=64)
def _compiled(
    entries: tuple[Pronunciation, ...], language: str, voice: str | None
) -> tuple[re.Pattern[str], dict[str, str], dict[str, str]] | None:
    exact: dict[str, str] = {}
    folded: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (entry.voice is not None, entry.language is not None)):
        if entry.voice in (None, voice) and (entry.language in (None, language) or language == "auto"):
            if entry.case:
                exact[_key(entry.term)] = entry.replacement
            else:
                folded[_key(entry.term).casefold()] = entry.replacement
    # Sorted by length, longest first: the first alternative that matches wins.
    terms = sorted({*exact, *folded}, key=len, reverse=True)
    if not terms:
        return None
    return re.compile("|".join(map(_whole, terms)), re.IGNORECASE), exact, folded


def _whole(term: str) -> str:
    # A word ends at a letter's neighbour; where there are no spaces, terms stand anywhere.
    before = r"(?<![^\W_])" if term[0].isalnum() and not re.match(f"[{_UNSPACED}]", term) else ""
    after = r"(?![^\W_])" if term[-1].isalnum() and not re.search(f"[{_UNSPACED}]$", term) else ""
    return before + r"\s+".join(map(re.escape, term.split(" "))) + after


def _key(term: str) -> str:
    return " ".join(term.split())
