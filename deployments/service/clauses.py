"""Splits a text that is still being written into units that can be spoken."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from deployments.synthesis.pace import CODES_A_SECOND, Pace
from deployments.text.boundary import Boundary, boundaries

Granularity = Literal["none", "sentence", "clause"]

_WORTH: Final = CODES_A_SECOND / 2
"""Expected codes below which a unit is joined to the next: very short takes fail more often."""

_COMPLETE: Final = re.compile(r"[^\W\d_](?:[,;]|(?P<sentence>[!?]))[\"'”’»)\]]*\Z")
"""An end that the next piece cannot change, unlike that of a number or of an abbreviation: a writer of words sends the
space with the next word."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of text that is spoken at once."""

    text: str
    pause: float = 0.0
    """Seconds of silence after it."""


class Splitter:
    """Collects the pieces of a text, and returns each unit as soon as it is complete.

    Args:
        granularity: What a unit is. `sentence`: the first one may be a clause, so that speech begins early. `none`: all
            of the text.
        longest: Maximum characters of a unit.
    """

    def __init__(self, granularity: Granularity, longest: int) -> None:
        self._granularity = granularity
        self._longest = longest
        self._begun = False
        self._text = ""

    @property
    def pending(self) -> int:
        """Number of characters that wait for the end of their unit."""
        return len(self._text)

    def add(self, piece: str) -> list[Unit]:
        """Takes the next piece of the text; returns the units that it completes."""
        self._text += piece
        units: list[Unit] = []
        start = 0
        for end, kind in sorted(self._ends().items()):
            if kind is Boundary.CLAUSE and self._begun and self._granularity != "clause":
                continue
            text = self._text[start:end].strip()
            if Pace().codes(text) >= _WORTH:
                units.append(Unit(text, kind.pause))
                start, self._begun = end, True
        self._text = self._text[start:]
        while len(self._text) > self._longest:
            cut = self._text.rfind(" ", 1, self._longest) + 1 or self._longest
            units.append(Unit(self._text[:cut].strip()))
            self._text = self._text[cut:]
        return [unit for unit in units if unit.text]

    def finish(self) -> list[Unit]:
        """Returns the rest, and begins a new text."""
        rest, self._text, self._begun = self._text.strip(), "", False
        return [Unit(rest)] if rest else []

    def _ends(self) -> dict[int, Boundary]:
        if self._granularity == "none":
            return {}
        kinds = (Boundary.CLAUSE, Boundary.SENTENCE, Boundary.PARAGRAPH)
        ends = {end: kind for kind in kinds for end in boundaries(self._text, kind)}
        if complete := _COMPLETE.search(self._text):
            ends.setdefault(complete.end(), Boundary.SENTENCE if complete["sentence"] else Boundary.CLAUSE)
        return ends
