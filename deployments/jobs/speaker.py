"""What jobs need of the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deployments.jobs.recordings import BlockOrder
from deployments.voices.reference import Reference
from deployments.whisper.protocol import Transcript


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A part to speak."""

    text: str
    """Normalised."""
    reference: Reference
    params: Mapping[str, Any]
    seed: int
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """A spoken part."""

    flac: bytes
    """Mono at 16 kHz."""
    warnings: tuple[str, ...] = ()


class Speaker(Protocol):
    """Speaks parts, and transcribes recordings."""

    async def record(self, order: PartOrder) -> RecordedPart:
        """Speaks a part whenever the service has nothing more urgent to do.

        Raises:
            ServiceError: it cannot be spoken.
        """
        ...

    async def hear_block(self, order: BlockOrder) -> Transcript:
        """Transcribes a block whenever the service has nothing more urgent to do.

        Raises:
            ServiceError: it cannot be transcribed.
        """
        ...
