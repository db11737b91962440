"""Whisper's interface for the other packages: text, times and language."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz, full scale ±1."""

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]

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

    def later(self, seconds: float) -> "Segment":
        """Returns the segment of a recording in which it begins so much later."""
        words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in self.words)
        return replace(self, start=self.start + seconds, end=self.end + seconds, words=words)


@dataclass(frozen=True, slots=True)
class Transcript:
    """Transcript of a clip."""

    text: str
    language: str
    """ISO 639-1."""
    language_probability: float
    duration: float
    """Seconds of the clip."""
    segments: tuple[Segment, ...] = ()
    ignored: tuple[IgnoredOption, ...] = ()
    """Options that were ignored, because the checkpoint does not support them."""
    warnings: tuple[str, ...] = ()
    """Problems of the clip's file, in readable sentences."""
    english_only: bool = False
    """Whether the checkpoint knows no other language: it writes unrelated English for speech in another."""

    def followed_by(self, block: "Transcript") -> "Transcript":
        """Returns the transcript of both, in the language of the first with speech; without warnings."""
        first = self if self.language_probability else block
        return replace(
            block,
            text=" ".join(filter(None, (self.text, block.text))),
            language=first.language,
            language_probability=first.language_probability,
            duration=self.duration + block.duration,
            ignored=tuple(dict.fromkeys(self.ignored + block.ignored)),
            segments=self.segments + tuple(segment.later(self.duration) for segment in block.segments),
        )


class Listening(TypedDict, total=False):
    """Options of a transcription; missing ones have their defaults."""

    language: str | None
    """ISO 639-1, in any case; None: detected."""
    prompt: str | None
    """Text spoken before the clip: names and spelling to expect."""
    word_timestamps: bool
    """Whether segments hold their words."""
    temperature: float
    """0, the default, gives the same text for the same clip; above, words are sampled at random."""
    task: Task


class Transcriber(Protocol):
    """Transcribes speech."""

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        """Transcribes a clip of any length; silence gives an empty text.

        Raises:
            InvalidInput: the checkpoint does not know the language.
        """
        ...

    def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncGenerator[Segment | Transcript, None]:
        """Yields each segment when it is transcribed, and the transcript last."""
        ...
