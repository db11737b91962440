"""The service as its own front ends see it: in this process, behind a handle, or behind HTTP."""

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
    """A clip, as bytes of a file or as an address to fetch it from; one of them."""

    data: bytes | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Speaking:
    """What to say, in whose voice, and how the file is to be."""

    text: str
    voice: str | None = None
    """Name or id of one that is stored."""
    clip: Clip | None = None
    """In place of a voice."""
    ref_text: str | None = None
    """What the clip says; None: Whisper listens."""
    instruction: str = INSTRUCTION
    format: Format = "wav"
    sample_rate: int = 24_000
    """Hz."""
    sampling: Sampling = Sampling()
    speed: float = 1.0
    """0.25 to 4; the pitch is kept."""
    verify: bool | None = None
    """Whether Whisper listens to what is spoken; None, here and below: as the service does."""
    best_of: int | None = None
    """Takes made of each part, of which the best is kept."""
    ref_check: ReferenceCheck | None = None
    """What is done where the clip does not say its text."""
    language: str = "en"
    """ISO 639-1, of the text."""
    keep: bool = False
    """Refuse where the service keeps no copies."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A file of speech, and what is known of it."""

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
    """Name of the copy that was kept."""


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the models are, and the GPUs."""

    models: dict[str, ModelStatus]
    gpus: list[GpuStatus]


class Backend(Protocol):
    """A service. Its methods raise ServiceError."""

    def speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        """Speaks: tells its progress, and gives the file last. Closing it early stops the engine."""
        ...

    async def output(self, name: str) -> bytes:
        """A copy of what was spoken, by its name."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> dict[str, Any]:
        """What a clip says: the answer of POST /api/transcribe."""
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
