"""How much care is taken of a speech."""

from dataclasses import dataclass, replace
from typing import Any, Literal

ReferenceCheck = Literal["off", "refuse", "repair"]
"""Whether Whisper listens to a reference that came with its text: to refuse it when they differ, or to take what it
hears instead."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done about takes that fail, and about references that do not say what they are said to."""

    retries: int = 2
    """More attempts at a chunk whose take has a flaw, each with another seed."""
    strict: bool = False
    """Whether a speech with a flaw left is refused instead of given with a warning."""
    reference_check: ReferenceCheck = "off"
    verify: bool = False
    """Whether Whisper listens to every take: one that it hears wrong has a flaw."""
    best_of: int = 1
    """Takes made of each chunk at once, of which the best is kept. More than one are always listened to."""

    @property
    def listens(self) -> bool:
        return self.verify or self.best_of > 1

    def changed(self, **wishes: Any) -> "Policy":
        """As a request wishes it; a field that is None stays as it is."""
        return replace(self, **{name: wish for name, wish in wishes.items() if wish is not None})
