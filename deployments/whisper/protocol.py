"""What the Whisper room offers the others: what was said, when, in which language."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz, full scale ±1."""

Task = Literal["transcribe", "translate"]
"""Translation is into English."""

IgnoredOption = Literal["prompt", "task"]
"""An option of `Listening` that some checkpoints cannot honour."""


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
    ignored: tuple[IgnoredOption, ...] = ()
    """Options that were given and left out, because the checkpoint cannot honour them."""
    warnings: tuple[str, ...] = ()
    """What is wrong with the clip's file, for people to read."""


class Listening(TypedDict, total=False):
    """How a clip is listened to; what is missing has its default."""

    language: str | None
    """ISO 639-1, in any case; None: detected."""
    prompt: str | None
    """Text to be taken as spoken before the clip: names and spelling to expect."""
    word_timestamps: bool
    """Whether segments hold their words."""
    temperature: float
    """0, the default, gives the same text for the same clip; above, words are drawn at random."""
    task: Task


class Transcriber(Protocol):
    """Writes down speech."""

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        """Transcribes a clip of any length; silence gives an empty text.

        Raises:
            InvalidInput: the language is not one that the checkpoint knows.
        """
        ...

    def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncGenerator[Segment | Transcript, None]:
        """Likewise, but gives each segment when it is written down, and the transcript last."""
        ...
