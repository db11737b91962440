"""Events of a speech, in the order of its making."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from deployments.llasa.protocol import FinishReason
from deployments.text.wer import tokens
from deployments.whisper.protocol import Word
from deployments.xcodec2.protocol import Waveform

Stage = Literal["waking", "listening", "encoding", "speaking", "checking"]


class SpeechEvent:
    """A step of a speech. Exactly one of its properties is not None."""

    __slots__ = ()

    @property
    def progress(self) -> "Progress | None":
        """A stage that begins."""
        return None

    @property
    def audio(self) -> Waveform | None:
        """The next samples of the speech: [samples] float32, mono at 16 kHz; never empty."""
        return None

    @property
    def spoken_part(self) -> "Part | None":
        """A part of the text whose audio is complete."""
        return None

    @property
    def finished(self) -> "Finished | None":
        """The result. Comes last, and once."""
        return None


@dataclass(frozen=True, slots=True)
class Progress(SpeechEvent):
    """A stage has begun."""

    stage: Stage
    part: int = 0
    """Number of the part, from 1, if the text is spoken in parts."""
    parts: int = 0

    @property
    def progress(self) -> "Progress":
        return self

    def __str__(self) -> str:
        return _LABELS[self.stage] + (f" part {self.part} of {self.parts}" if self.parts > 1 else "")


_LABELS: Final[Mapping[Stage, str]] = {
    "waking": "Loading models",
    "listening": "Listening to the clip",
    "encoding": "Encoding the clip",
    "speaking": "Speaking",
    "checking": "Checking",
}


@dataclass(frozen=True, slots=True)
class Audio(SpeechEvent):
    """The next samples of the speech."""

    wav: Waveform

    @property
    def audio(self) -> Waveform:
        return self.wav


@dataclass(frozen=True, slots=True)
class Part(SpeechEvent):
    """A stretch of the text and its final take."""

    text: str
    start: float
    """Seconds from the beginning of the speech."""
    seconds: float
    finish: FinishReason
    seed: int
    """Seed of the take that is used."""
    attempts: int
    """Number of takes generated."""
    flaw: str | None
    """Flaw of the take that is used, if any."""
    heard: str | None = None
    """What Whisper heard in it, if it was used, as for the fields below."""
    error: float | None = None
    """Word error rate (for Chinese and Japanese, character error rate)."""
    words: tuple[Word, ...] = ()
    """Words of the written text, with times from the beginning of the speech."""
    unknown_characters: bool = False
    """Whether the model has no tokens for some characters of the text."""
    voice: str | None = None
    """Name of its voice; None: the request's."""

    @property
    def spoken_part(self) -> "Part":
        return self


@dataclass(frozen=True, slots=True)
class Finished(SpeechEvent):
    """The speech is complete."""

    finish: FinishReason
    """`stop` if all of its parts reached their ends; else why the first that did not was ended."""
    seed: int
    """Reproduces the speech."""
    ref_text: str
    """Transcript of the reference, as given to the model."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds waited for each stage that ran, in order."""
    warnings: tuple[str, ...] = ()
    """Possible problems of the speech, in readable sentences."""
    parts: tuple[Part, ...] = ()
    """Parts of the speech, in order."""

    @property
    def finished(self) -> "Finished":
        return self

    @property
    def error(self) -> float | None:
        """Word error rate over all parts that Whisper checked."""
        heard = [(part.error, len(tokens(part.text))) for part in self.parts if part.error is not None]
        words = sum(count for _, count in heard)
        return sum(error * count for error, count in heard) / words if words else None
