"""How much care is taken of a speech."""

from dataclasses import dataclass, replace
from typing import Any, Self

from deployments.settings import Settings
from deployments.voices.preparation import ReferenceCheck


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

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The policy where a request does not say."""
        check = "off" if settings.reference_check == "auto" else settings.reference_check
        return cls(settings.take_retries, reference_check=check, verify=settings.verify, best_of=settings.best_of)

    def changed(self, **wishes: Any) -> "Policy":
        """As a request wishes it; a field that is None stays as it is."""
        return replace(self, **{name: wish for name, wish in wishes.items() if wish is not None})
