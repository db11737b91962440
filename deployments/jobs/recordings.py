"""Recordings that jobs transcribe."""

import json
from dataclasses import dataclass
from hashlib import sha256

from deployments.whisper.protocol import Listening, TranscriptFormat


@dataclass(frozen=True, slots=True)
class TranscriptionOrder:
    """A recording that a job shall transcribe."""

    blocks: tuple[bytes, ...]
    """FLAC, mono at 16 kHz, in order."""
    durations: tuple[float, ...]
    """Seconds of each block."""
    listening: Listening
    response_format: TranscriptFormat = "json"
    title: str | None = None
    warnings: tuple[str, ...] = ()

    def keys(self, owner: str) -> list[str]:
        """Returns a name for each block. A recording has the same names in all jobs of its owner."""
        inputs = [[owner, number, self.listening, sha256(flac).hexdigest()] for number, flac in enumerate(self.blocks)]
        return [sha256(json.dumps(each, sort_keys=True).encode()).hexdigest() for each in inputs]


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """A block of a recording to transcribe."""

    flac: bytes
    """Mono at 16 kHz."""
    listening: Listening
