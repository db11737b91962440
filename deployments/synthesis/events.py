"""What a synthesis tells while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from deployments.llasa.protocol import FinishReason
from deployments.text.wer import tokens
from deployments.whisper.protocol import Word
from deployments.xcodec2.protocol import Waveform

Stage = Literal["waking", "listening", "encoding", "speaking", "checking"]


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has begun."""

    stage: Stage
    part: int = 0
    """Of a text spoken in parts: which one, from 1."""
    parts: int = 0

    def __str__(self) -> str:
        return _TOLD[self.stage] + (f" part {self.part} of {self.parts}" if self.parts > 1 else "")


_TOLD: Final[Mapping[Stage, str]] = {
    "waking": "Loading models",
    "listening": "Listening to the clip",
    "encoding": "Encoding the clip",
    "speaking": "Speaking",
    "checking": "Checking",
}


@dataclass(frozen=True, slots=True)
class Audio:
    """The next piece of the speech."""

    wav: Waveform
    """[samples] float32, mono at 16 kHz; never empty."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the text as it was spoken at last."""

    text: str
    start: float
    """Seconds from the beginning of the speech."""
    seconds: float
    finish: FinishReason
    seed: int
    """Of the take that was kept."""
    attempts: int
    """Takes that were made."""
    flaw: str | None
    """What is wrong with the kept one, if anything."""
    heard: str | None = None
    """What Whisper heard in it, where it was asked; likewise below."""
    error: float | None = None
    """Word (of Chinese and Japanese: character) errors over what should be heard."""
    words: tuple[Word, ...] = ()
    """With times from the beginning of the speech."""
    unread: bool = False
    """Whether the model has no tokens for some characters of the text."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The speech is whole. Comes last, and once."""

    finish: FinishReason
    """`stop` when all of its parts came to their ends; else why the first that did not was ended."""
    seed: int
    """Gives the same speech again."""
    ref_text: str
    """What the reference says, as the model was told."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds that were waited for each stage that ran, in their order."""
    warnings: tuple[str, ...] = ()
    """What may be wrong with the speech, for people to read."""
    parts: tuple[Part, ...] = ()
    """What the speech is made of, in order."""

    @property
    def error(self) -> float | None:
        """Word errors over words, of all parts that Whisper was asked about."""
        heard = [(part.error, len(tokens(part.text))) for part in self.parts if part.error is not None]
        words = sum(count for _, count in heard)
        return sum(error * count for error, count in heard) / words if words else None


Event = Progress | Audio | Finished
