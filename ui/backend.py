"""The page's interface of the service."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from deployments.jobs.formats import BookFormat
from deployments.jobs.manuscript import Manuscript
from deployments.jobs.order import JobOrder
from deployments.jobs.protocol import JobBoard
from deployments.jobs.recordings import TranscriptionOrder
from deployments.residency.protocol import ModelStatus
from deployments.service.backend import Clip, Residence
from deployments.service.job_desk import LongRecording
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import StoredPronunciation
from deployments.service.transcription import Transcription
from deployments.synthesis.events import SpeechEvent
from deployments.text.pronunciation import Pronunciation
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import Waveform


class Backend(Protocol):
    """The service. Its methods raise ServiceError; requests take the turns of the client `caller`."""

    def narrate(
        self, params: SpeechParams, clip: Clip | None = None, *, caller: str
    ) -> AsyncGenerator[SpeechEvent, None]:
        """Yields the events of a synthesis at speed 1. Closing it early stops the engine."""
        ...

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool, caller: str) -> Transcription: ...

    async def hear_clip(self, clip: Clip, *, caller: str) -> Transcription:
        """Transcribes a reference clip. The warnings are those that speech with it would have."""
        ...

    async def list_voices(self) -> list[Voice]: ...

    async def voice_sample(self, voice: str) -> Waveform:
        """Returns [samples] mono at 16 kHz: a sample of a voice."""
        ...

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str, *, caller: str) -> Voice: ...

    async def rename_voice(self, voice: str, name: str) -> Voice: ...

    async def delete_voice(self, voice: str) -> Voice: ...

    async def export_voice(self, voice: str) -> bytes:
        """Returns the bundle of a stored voice."""
        ...

    async def import_voice(self, file: bytes, name: str | None = None, *, caller: str) -> Voice: ...

    @property
    def jobs(self) -> JobBoard: ...

    async def job_order(
        self, params: SpeechParams, manuscript: Manuscript, clip: Clip | None, format: BookFormat, *, caller: str
    ) -> JobOrder: ...

    async def transcription_order(self, recording: LongRecording, *, caller: str) -> TranscriptionOrder: ...

    async def list_pronunciations(self) -> tuple[StoredPronunciation, ...]: ...

    async def add_pronunciations(self, entries: Sequence[Pronunciation]) -> tuple[StoredPronunciation, ...]: ...

    async def remove_pronunciation(self, id: str) -> None: ...

    async def models(self) -> dict[str, ModelStatus]:
        """Returns where the models are loaded."""
        ...

    async def residence(self) -> Residence: ...

    async def offload(self, model: str | None, *, release: bool) -> None: ...

    async def warm(self, model: str | None) -> None: ...

    async def set_timeout(self, model: str | None, seconds: float) -> None: ...
