"""What a synthesis tells while it runs."""

from dataclasses import dataclass, field
from typing import Literal

from deployments.llasa.protocol import FinishReason
from deployments.xcodec2.protocol import Waveform

Stage = Literal["waking", "listening", "encoding", "speaking", "checking"]


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has begun."""

    stage: Stage
    part: int = 0
    """Of a text spoken in parts: which one, from 1."""
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Audio:
    """The next piece of the speech."""

    wav: Waveform
    """[samples] float32, mono at 16 kHz; never empty."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The speech is whole. Comes last, and once."""

    finish: FinishReason
    seed: int
    """Gives the same speech again."""
    ref_text: str
    """What the reference says, as the model was told."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds that were waited for each stage that ran, in their order."""
    prompt_tokens: int = 0
    """That the model was given, of all takes."""
    warnings: tuple[str, ...] = ()
    """What may be wrong with the speech, for people to read."""


Event = Progress | Audio | Finished
