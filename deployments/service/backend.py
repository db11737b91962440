"""The interface of the service for its front ends: in this process, behind a handle, or over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import IO, Final, Protocol

from deployments.residency.protocol import GpuStatus, ModelStatus
from deployments.service.delivery import SpeechChunk
from deployments.service.parameters import SpeechParams
from deployments.service.transcription import Transcription
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice

ASSISTANTS: Final = "mcp"
"""Client name of all assistants: they share its turns."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: either a file, or a URL to fetch it from."""

    file: IO[bytes] | bytes = b""
    url: str | None = None
    param: str = "audio"
    """Name of the request's field, for errors."""


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the models are loaded, and the GPUs."""

    models: dict[str, ModelStatus]
    gpus: list[GpuStatus]


class Backend(Protocol):
    """A service, as assistants use it. Its methods raise ServiceError."""

    def speak(
        self, params: SpeechParams, clip: Clip | None = None, *, streamed: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Speaks: yields progress and the file, and the result with the last bytes. Closing it stops the engine.

        Args:
            params: What to say.
            clip: Used instead of a stored voice.
            streamed: Yield the file while it is generated, instead of all of it with the result.
        """
        ...

    async def output(self, name: str) -> bytes:
        """Returns a stored copy of speech by its name."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> Transcription: ...

    async def residence(self) -> Residence: ...

    async def offload(self, model: str | None, *, release: bool) -> None:
        """Lets a model, or all, sleep in host memory; `release` ends their processes instead."""
        ...

    async def set_timeout(self, model: str | None, seconds: float) -> None: ...

    async def list_voices(self) -> list[Voice]: ...

    async def clone_voice(
        self, name: str, clip: Clip, ref_text: str | None, consent: str, *, ref_check: ReferenceCheck | None = None
    ) -> Voice: ...

    async def delete_voice(self, voice: str) -> Voice: ...
