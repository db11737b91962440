"""The service's interface for its front ends: in this process, behind a handle, or over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from deployments.audio.encoder import Format
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.residency.protocol import GpuStatus, ModelStatus
from deployments.synthesis.events import Progress
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: either the bytes of a file, or a URL to fetch it from."""

    data: bytes | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Speaking:
    """What to say, the voice, and the format of the file."""

    text: str
    voice: str | None = None
    """Name or id of a stored voice."""
    clip: Clip | None = None
    """Used instead of a stored voice."""
    ref_text: str | None = None
    """Transcript of the clip; None: Whisper's."""
    instruction: str = INSTRUCTION
    format: Format = "wav"
    sample_rate: int = 24_000
    """Hz."""
    sampling: Sampling = Sampling()
    speed: float = 1.0
    """0.25 to 4; the pitch is kept."""
    verify: bool | None = None
    """Whether Whisper checks the speech; None, here and below: the service's default."""
    best_of: int | None = None
    """Takes of each part, of which the best is used."""
    ref_check: ReferenceCheck | None = None
    """What to do if the clip does not match its text."""
    language: str = "en"
    """Language of the text, ISO 639-1."""
    keep: bool = False
    """Whether to store a copy. An error if the service stores none."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A file of speech, and its metadata."""

    file: bytes
    media_type: str
    sample_rate: int
    """Hz."""
    duration: float
    """Seconds."""
    finish_reason: str
    seed: int
    warnings: tuple[str, ...] = ()
    output: str | None = None
    """Name of the stored copy."""


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the models are loaded, and the GPUs."""

    models: dict[str, ModelStatus]
    gpus: list[GpuStatus]


class Backend(Protocol):
    """A service. Its methods raise ServiceError."""

    def speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        """Speaks: yields its progress, and the file last. Closing it early stops the engine."""
        ...

    async def output(self, name: str) -> bytes:
        """Returns a stored copy of speech by its name."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> dict[str, Any]:
        """Transcribes a clip: the response of POST /api/transcribe."""
        ...

    async def residence(self) -> Residence: ...

    async def offload(self, model: str | None, *, release: bool) -> None:
        """Unloads a model, or all; `release` also drops the weights from the host's memory."""
        ...

    async def set_timeout(self, model: str | None, seconds: float) -> None: ...

    async def voices(self) -> list[Voice]: ...

    async def clone_voice(
        self, name: str, clip: Clip, ref_text: str | None, consent: str, *, ref_check: ReferenceCheck | None = None
    ) -> Voice: ...

    async def delete_voice(self, voice: str) -> Voice: ...
