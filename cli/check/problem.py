"""A mistake, and where it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and the path of a value in it, as `applications[0].deployments[1].name`."""

    file: str
    path: str = ""

    def at(self, key: str | int) -> "Place":
        """The place of one of the value's own."""
        part = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return Place(self.file, self.path + part)

    def through(self, keys: Iterable[str | int]) -> "Place":
        """The place that so many keys lead to."""
        place = self
        for key in keys:
            place = place.at(key)
        return place


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a place, and what to do."""

    place: Place
    message: str

    def __str__(self) -> str:
        return (
            f"{self.place.file}: {self.place.path}: {self.message}"
            if self.place.path
            else (f"{self.place.file}: {self.message}")
        )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names what was probably meant, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
