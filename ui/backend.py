"""The page's interface of the service."""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from deployments.service.requests import Clip, Residence, Speaking
from deployments.synthesis.events import Event
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import Waveform


class Backend(Protocol):
    """The service. Its methods raise ServiceError; requests take the turns of `client`."""

    def narrate(self, speaking: Speaking, client: str) -> AsyncGenerator[Event, None]:
        """Yields the events of a synthesis at speed 1. Closing it early stops the engine."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool, client: str) -> dict[str, Any]:
        """Transcribes a clip: the response of POST /api/transcribe."""
        ...

    async def voices(self) -> list[Voice]: ...

    async def voice_sample(self, voice: str) -> Waveform:
        """Returns [samples] mono at 16 kHz: a sample of a voice."""
        ...

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str, client: str) -> Voice: ...

    async def rename_voice(self, voice: str, name: str) -> Voice: ...

    async def delete_voice(self, voice: str) -> Voice: ...

    async def residence(self) -> Residence: ...

    async def offload(self, model: str | None, *, release: bool) -> None: ...

    async def warm(self, model: str | None) -> None: ...

    async def set_timeout(self, model: str | None, seconds: float) -> None: ...
