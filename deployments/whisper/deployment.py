"""Whisper as a Serve deployment."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from deployments.checkpoints import fetch_checkpoint
from deployments.log import log_beside_serve
from deployments.placement.model_loader import LoadEvent, ModelLoader
from deployments.profiles import Profile
from deployments.residency.replica import follow_policy, record_event
from deployments.settings import Settings
from deployments.whisper.protocol import Listening, Segment, Transcript, Waveform

if TYPE_CHECKING:
    from deployments.whisper.transcriber import WhisperTranscriber


class WhisperDeployment:
    """One transcriber per replica, on the CPU."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        log_beside_serve()
        self._profile = profile
        self._settings = settings
        self._folder: Path | None = None
        self._transcriber = ModelLoader(
            self._load,
            self._record,
            sleep=lambda transcriber: transcriber.sleep(),
            wake=lambda transcriber: transcriber.wake(),
        )
        self._follower = follow_policy("Whisper", self._transcriber)

    async def ready(self) -> None:
        async with self._transcriber.use():
            pass

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        async with self._transcriber.use() as transcriber:
            return await transcriber.transcribe(wav, **listening)

    async def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncIterator[Segment | Transcript]:
        async with self._transcriber.use() as transcriber, aclosing(transcriber.stream(wav, **listening)) as found:
            async for piece in found:
                yield piece

    def __del__(self) -> None:
        self._follower.close()
        if transcriber := self._transcriber.peek():
            transcriber.close()

    def _load(self) -> "WhisperTranscriber":
        from deployments.whisper.transcriber import WhisperTranscriber

        self._folder = fetch_checkpoint(self._profile.whisper, self._settings)
        return WhisperTranscriber.load(str(self._folder), cpu_threads=max(1, int(self._profile.whisper_cpus)))

    def _record(self, event: LoadEvent) -> None:
        record_event("Whisper", event, self._folder)
