"""What the Whisper room offers the others: what was said, when, in which language."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz, full scale ±1."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its times in seconds."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech with its times in seconds."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 0.0
    temperature: float = 0.0
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a clip."""

    text: str
    language: str
    """ISO 639-1."""
    language_probability: float
    duration: float
    """Seconds of the clip."""
    segments: tuple[Segment, ...] = ()


class Transcriber(Protocol):
    """Writes down speech."""

    async def transcribe(
        self,
        wav: Waveform,
        *,
        language: str | None = None,
        prompt: str | None = None,
        word_timestamps: bool = False,
    ) -> Transcript:
        """Transcribes a clip of any length; silence gives an empty text.

        Raises:
            InvalidInput: the language is not one that the checkpoint knows.
        """
        ...
