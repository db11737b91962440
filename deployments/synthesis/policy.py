"""How carefully a speech is checked."""

from dataclasses import dataclass, replace
from typing import Any, Self

from deployments.settings import Settings
from deployments.voices.preparation import ReferenceCheck


@dataclass(frozen=True, slots=True)
class Policy:
    """How to handle flawed takes, and references that do not match their texts."""

    retries: int = 2
    """Maximum retries of a chunk whose take has a flaw, each with another seed."""
    cuts: int = 3
    """How often a chunk that no retry gets right is cut: at sentences, clauses, words. Each piece is retried."""
    strict: bool = False
    """Whether a speech with a remaining flaw is refused instead of returned with a warning."""
    reference_check: ReferenceCheck = "off"
    verify: bool = False
    """Whether Whisper checks every take: a misread one counts as flawed."""
    best_of: int = 1
    """Parallel takes of each chunk, of which the best is used. More than one are always checked by Whisper."""

    @property
    def listens(self) -> bool:
        return self.verify or self.best_of > 1

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns the default policy of the settings."""
        return cls(
            settings.take_retries,
            reference_check=settings.reference_check,
            verify=settings.verify,
            best_of=settings.best_of,
        )

    def changed(self, **wishes: Any) -> "Policy":
        """Returns the policy with a request's values; None keeps the default."""
        return replace(self, **{name: wish for name, wish in wishes.items() if wish is not None})
