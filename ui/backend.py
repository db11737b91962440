"""What the page needs of the service."""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from deployments.service.requests import Clip, Residence, Speaking
from deployments.synthesis.events import Event
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import Waveform


class Backend(Protocol):
    """The service. Its methods raise ServiceError; `client` is whose turn it is."""

    def narrate(self, speaking: Speaking, client: str) -> AsyncGenerator[Event, None]:
        """The events of a synthesis at speed 1. Closing it early stops the engine."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool, client: str) -> dict[str, Any]:
        """What a clip says: the answer of POST /api/transcribe."""
        ...

    async def voices(self) -> list[Voice]: ...

    async def voice_sample(self, voice: str) -> Waveform:
        """[samples] mono at 16 kHz: how a voice sounds."""
        ...

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str, client: str) -> Voice: ...

    async def rename_voice(self, voice: str, name: str) -> Voice: ...

    async def delete_voice(self, voice: str) -> Voice: ...

    async def residence(self) -> Residence: ...

    async def offload(self, model: str | None, *, release: bool) -> None: ...

    async def warm(self, model: str | None) -> None: ...

    async def set_timeout(self, model: str | None, seconds: float) -> None: ...
