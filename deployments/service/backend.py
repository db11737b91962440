"""The service as its front ends call it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from deployments.audio.clip import ReferenceClip
from deployments.audio.encoder import rate_of
from deployments.errors import InvalidInput
from deployments.residency.protocol import MODELS
from deployments.service.deadline import deadline, with_deadline
from deployments.service.delivery import OutputOptions, pieces
from deployments.service.outputs import outputs_for, read_output
from deployments.service.remote_clip import clip_reader
from deployments.service.requests import Clip, Residence, Speaking, Spoken
from deployments.service.retry import stream_with_retries, with_retries
from deployments.service.service import Service
from deployments.service.transcription import transcribe_file
from deployments.synthesis.events import Audio, Event, Progress
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.text.checks import check_ref_text, check_text
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.reference import Reference
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import Waveform

_ASSISTANTS: Final = "mcp"
"""Client name of all assistants: they share its turns."""


class ServiceBackend:
    """`Backend` on the service of this process, with additional methods for the page.

    Args:
        service: The service.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clips = clip_reader(service.settings)

    async def speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        limit = self._service.settings.request_timeout
        async with aclosing(with_deadline(self._speak(speaking), limit)) as items:
            async for item in items:
                yield item

    async def _speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        async with self._turn(speaking, _ASSISTANTS, live=False) as request:
            # Nothing is sent before the file is complete, so all of it may be retried.
            files = stream_with_retries(lambda: self._file(request, speaking), lambda item: isinstance(item, Spoken))
            async with aclosing(files) as items:
                async for item in items:
                    yield item

    async def _file(self, request: SpeechRequest, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        outputs = outputs_for(self._service.settings, keep=speaking.keep)
        delivery = OutputOptions(speaking.format, speaking.sample_rate, speaking.speed, kept_in=outputs)
        events = self._service.synthesizer.stream(request)
        first = await anext(events)
        async with aclosing(pieces(first, events, delivery, streamed=False)) as file:
            async for piece in file:
                if isinstance(piece, Progress):
                    yield piece
                elif piece.finished:
                    yield Spoken(
                        piece.data,
                        delivery.media_type,
                        rate_of(speaking.format, speaking.sample_rate),
                        piece.seconds,
                        piece.finished.finish,
                        piece.finished.seed,
                        piece.finished.warnings,
                        piece.copy,
                    )

    async def output(self, name: str) -> bytes:
        return await read_output(self._service.settings, name)

    def narrate(self, speaking: Speaking, client: str) -> AsyncGenerator[Event, None]:
        """Yields the events of a synthesis, in the client's turn; the caller handles the file's format and speed."""
        return with_deadline(self._narrate(speaking, client), self._service.settings.request_timeout)

    async def _narrate(self, speaking: Speaking, client: str) -> AsyncGenerator[Event, None]:
        synthesizer = self._service.synthesizer
        async with self._turn(speaking, client, live=True) as request:
            stream = stream_with_retries(lambda: synthesizer.stream(request), lambda event: isinstance(event, Audio))
            async with aclosing(stream) as events:
                async for event in events:
                    yield event

    @asynccontextmanager
    async def _turn(self, speaking: Speaking, client: str, *, live: bool) -> AsyncIterator[SpeechRequest]:
        """Yields the request to speak; the client has its turn while the body runs."""
        settings, synthesizer = self._service.settings, self._service.synthesizer
        text = check_text(speaking.text, settings.max_text_length, "target_text")
        ref_text = check_ref_text(speaking.ref_text, settings.max_text_length)
        async with self._service.admission.turn(client):
            reference, warnings = await self._reference(speaking)
            yield SpeechRequest(
                text,
                reference,
                ref_text,
                speaking.instruction,
                speaking.sampling,
                language=speaking.language,
                policy=synthesizer.policy.changed(
                    verify=speaking.verify, best_of=speaking.best_of, reference_check=speaking.ref_check
                ),
                live=live,
                warnings=warnings,
            )

    async def transcribe(
        self, clip: Clip, *, language: str | None, words: bool, client: str = _ASSISTANTS
    ) -> dict[str, Any]:
        settings = self._service.settings
        async with deadline(settings.request_timeout), self._service.admission.turn(client):
            file, param = await self._received(clip)
            return (await transcribe_file(self._service, file, param, language, words=words)).model_dump()

    async def residence(self) -> Residence:
        models, gpus = await asyncio.gather(self._service.residency.status(), self._service.residency.gpus())
        return Residence(models, gpus)

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self._service.residency.offload(_chosen(model), drop_cache=release)

    async def warm(self, model: str | None) -> None:
        """Loads a model, or all, ahead of need."""
        await self._service.residency.warm(_chosen(model))

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self._service.residency.set_timeout(_chosen(model), seconds)

    async def voices(self) -> list[Voice]:
        return await self._service.voices.list()

    async def clone_voice(
        self,
        name: str,
        clip: Clip,
        ref_text: str | None,
        consent: str,
        client: str = _ASSISTANTS,
        *,
        ref_check: ReferenceCheck | None = None,
    ) -> Voice:
        settings = self._service.settings
        ref_text = check_ref_text(ref_text, settings.max_text_length)
        async with deadline(settings.request_timeout), self._service.admission.turn(client):
            read = await self._read(clip)
            return await with_retries(
                lambda: self._service.voices.create(name, read.wav, ref_text, consent, ref_check, read.warnings)
            )

    async def rename_voice(self, voice: str, name: str) -> Voice:
        """Renames a stored voice."""
        return await self._service.voices.rename(voice, name)

    async def delete_voice(self, voice: str) -> Voice:
        return await self._service.voices.remove(voice)

    async def voice_sample(self, voice: str) -> Waveform:
        """Returns [samples] mono at 16 kHz: a sample of a voice."""
        return await with_retries(lambda: self._service.voices.sample(voice))

    async def _reference(self, speaking: Speaking) -> tuple[Waveform | Reference, tuple[str, ...]]:
        if speaking.clip:
            read = await self._read(speaking.clip)
            return read.wav, read.warnings
        if not speaking.voice:
            raise InvalidInput("Give a voice or a clip.", "voice")
        voice = speaking.voice
        return await with_retries(lambda: self._service.voices.reference(voice)), ()

    async def _read(self, clip: Clip) -> ReferenceClip:
        return await self._service.audio.clip(*await self._received(clip))

    async def _received(self, clip: Clip) -> tuple[bytes, str]:
        if clip.url is None:
            return clip.data or b"", "audio"
        return await self._clips.read(clip.url, "audio_url"), "audio_url"


def _chosen(model: str | None) -> tuple[str, ...]:
    return (model,) if model else MODELS
