"""What a job shall speak."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployments.audio.mastering import LoudnessTarget
from deployments.jobs.formats import BookFormat
from deployments.text.options import DEFAULT_OPTIONS, NormalizationOptions
from deployments.text.pronunciation import Pronunciation
from deployments.text.script import Script
from deployments.voices.reference import Reference


@dataclass(frozen=True, slots=True)
class Slot:
    """The time of a cue, in seconds from the beginning of the file."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of a text."""

    title: str
    script: Script
    slots: tuple[Slot, ...] = ()
    """When each segment of the script is spoken; empty: one after the other."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job shall speak. All that later requests could change is resolved: voices, pronunciations, defaults."""

    chapters: tuple[Chapter, ...]
    params: Mapping[str, Any]
    """Parameters of speech that reach the takes, as JSON."""
    reference: Reference
    model: str
    """Name of the checkpoint."""
    response_format: BookFormat = "wav"
    sample_rate: int = 24_000
    """Hz of the files."""
    seed: int = 0
    speed: float = 1.0
    voice: str | None = None
    """Name of the reference."""
    cast: Mapping[str, Reference] = field(default_factory=dict)
    """The other voices, by their names."""
    language: str = "en"
    options: NormalizationOptions = DEFAULT_OPTIONS
    pronunciations: tuple[Pronunciation, ...] = ()
    title: str | None = None
    author: str | None = None
    cover: bytes | None = None
    """A JPEG or PNG."""
    warnings: tuple[str, ...] = ()
    loudness: LoudnessTarget | None = None
    """Of its files; None: as it is spoken."""
