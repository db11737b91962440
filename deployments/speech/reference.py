"""The voice that a synthesis continues."""

from dataclasses import dataclass

from deployments.xcodec2.protocol import Codes


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip as the model takes it: what a stored voice keeps."""

    codes: Codes
    """[n], 50 a second."""
    text: str
    """What is said in them, no more and no less."""
