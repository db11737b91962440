"""A finished speech of a session."""

from dataclasses import dataclass

from deployments.synthesis.events import Finished


@dataclass(frozen=True, slots=True)
class Taken:
    """Details of a take for the page."""

    id: str
    """Id of its recording."""
    text: str
    voice: str
    """Name of the voice, or of the clip's file."""
    finished: Finished
    seconds: float
