"""The models of one process: they make orders of books, and speak their parts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any, TypeVar, Unpack, cast

from deployments.audio.clip import AudioReader
from deployments.audio.decoder import Decoder
from deployments.checkpoints import fetch_checkpoint
from deployments.errors import ServiceError
from deployments.jobs.formats import BookFormat
from deployments.jobs.manuscript import Manuscript
from deployments.jobs.order import JobOrder
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.profiles import Profile
from deployments.residency.protocol import Residency
from deployments.service.backend import Clip
from deployments.service.long_speech import LongSpeech, record
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import PronunciationStore
from deployments.service.requests import Requests
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.voices.store import VoiceStore
from deployments.whisper.protocol import Listening, Segment, Transcriber, Transcript
from deployments.xcodec2.protocol import Waveform

T = TypeVar("T")


class Studio:
    """Llasa and XCodec2 on one device, and Whisper once something must be heard. Its calls block.

    Args:
        profile: Checkpoints and device.
        settings: Folders and defaults.
    """

    def __init__(self, profile: Profile, settings: Settings) -> None:
        from deployments.llasa.checkpoint import CheckpointFolder
        from deployments.llasa.engine import Engine
        from deployments.xcodec2.batcher import CodecBatcher
        from deployments.xcodec2.codec import Xcodec2Codec

        self._profile, self._settings = profile, settings
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        llasa, xcodec2 = (fetch_checkpoint(source, settings) for source in (profile.llasa, profile.xcodec2))
        self._lm = Engine.fitting(CheckpointFolder.of(profile, llasa).load(), profile.takes)
        self._codec = CodecBatcher(Xcodec2Codec.load(str(xcodec2), profile.device), profile.decodes)
        self._synthesizer = Synthesizer(
            self._lm, self._codec, _Ear(profile, settings), cast("Residency", _Loaded()), Policy.of(settings)
        )

    def order(self, params: SpeechParams, manuscript: Manuscript, clip: bytes | None, format: BookFormat) -> JobOrder:
        """Returns the job of a book."""
        return self._run(self._order(params, manuscript, clip, format))

    def record(self, orders: Sequence[PartOrder]) -> list[RecordedPart | ServiceError]:
        """Speaks parts at once; returns the error of each that cannot be spoken."""

        async def recorded() -> list[Any]:
            return await asyncio.gather(*[record(self._synthesizer, order) for order in orders], return_exceptions=True)

        found = self._run(recorded())
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, ServiceError):
                raise each
        return found

    async def _order(
        self, params: SpeechParams, manuscript: Manuscript, clip: bytes | None, format: BookFormat
    ) -> JobOrder:
        voices = Voices(
            VoiceStore.of(self._settings), self._synthesizer, self._lm, cast("Residency", _Loaded()), self._profile
        )
        decoder = Decoder()
        try:
            requests = Requests(
                self._settings,
                AudioReader(decoder, self._settings),
                voices,
                PronunciationStore.of(self._settings),
                self._synthesizer.policy,
            )
            speech = LongSpeech(requests, self._synthesizer, self._profile)
            return await speech.order(params, manuscript, Clip(clip) if clip else None, format)
        finally:
            decoder.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Loaded:
    """A residency of models that stay loaded."""

    @asynccontextmanager
    async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
        yield


class _Ear:
    """Whisper, loaded when it is first needed."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        self._profile, self._settings = profile, settings
        self._whisper: Transcriber | None = None
        self._loading = asyncio.Lock()

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        return await (await self._loaded()).transcribe(wav, **listening)

    async def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncGenerator[Segment | Transcript, None]:
        async for piece in (await self._loaded()).stream(wav, **listening):
            yield piece

    async def _loaded(self) -> Transcriber:
        async with self._loading:
            if self._whisper is None:
                self._whisper = await asyncio.to_thread(self._load)
            return self._whisper

    def _load(self) -> Transcriber:
        from deployments.whisper.transcriber import WhisperTranscriber

        folder = fetch_checkpoint(self._profile.whisper, self._settings)
        return WhisperTranscriber.load(str(folder), cpu_threads=max(1, int(self._profile.whisper_cpus)))
