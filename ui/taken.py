"""A finished speech of a session."""

from dataclasses import dataclass

from deployments.synthesis.events import Finished


@dataclass(frozen=True, slots=True)
class Taken:
    """What a person may want to know of it."""

    id: str
    """Of its recording."""
    text: str
    voice: str
    """Name of a voice, or of a clip's file."""
    finished: Finished
    seconds: float
