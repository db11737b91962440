"""Problems and their places."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and the path of a value in it, e.g. `applications[0].deployments[1].name`."""

    file: str
    path: str = ""

    def at(self, key: str | int) -> "Place":
        """Returns the place of a child of the value."""
        part = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return Place(self.file, self.path + part)

    def through(self, keys: Iterable[str | int]) -> "Place":
        """Returns the place that a sequence of keys leads to."""
        place = self
        for key in keys:
            place = place.at(key)
        return place


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at a place, and how to fix it."""

    place: Place
    message: str

    def __str__(self) -> str:
        return (
            f"{self.place.file}: {self.place.path}: {self.message}"
            if self.place.path
            else (f"{self.place.file}: {self.message}")
        )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns a sentence with the word that was probably meant, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
