"""/mcp: the service as tools for assistants, by the Model Context Protocol."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import BaseRoute

from deployments.errors import GenerationFailed, InvalidInput
from deployments.gpu.protocol import MODELS
from deployments.ingress.admission import Admission
from deployments.ingress.remote_clip import ClipReader
from deployments.ingress.service import Service
from deployments.ingress.transcription import transcription
from deployments.mcp.backend import Clip, Residence, Speaking, Spoken
from deployments.mcp.server import build_server
from deployments.settings import Settings
from deployments.speech.clip import ClipLimits, read_clip
from deployments.speech.container import MEDIA_TYPES, open_container, rate_of
from deployments.speech.events import Audio, Finished, Progress
from deployments.speech.reference import Reference
from deployments.speech.synthesis import SpeechRequest, seconds
from deployments.speech.text import check_text
from deployments.speech.voice_store import Voice
from deployments.xcodec2.protocol import Waveform

_CLIENT: Final = "mcp"
"""All assistants take turns as one client."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "::1")


class ServiceBackend:
    """`Backend` on the service of this process."""

    def __init__(self, service: Service, admission: Admission, clips: ClipReader) -> None:
        self._service = service
        self._admission = admission
        self._clips = clips

    async def speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        settings = self._service.settings
        text = check_text(speaking.text, settings.max_text_length, "target_text")
        async with self._admission.turn(_CLIENT):
            request = SpeechRequest(
                text,
                await self._reference(speaking),
                speaking.ref_text,
                speaking.instruction,
                speaking.sampling,
                live=False,
            )
            container = await asyncio.to_thread(open_container, speaking.format, speaking.sample_rate, streamed=False)
            length = 0.0
            async with aclosing(self._service.synthesizer.stream(request)) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        yield event
                    elif isinstance(event, Audio):
                        await asyncio.to_thread(container.write, event.wav)
                        length += seconds(event.wav)
                    else:
                        file = await asyncio.to_thread(container.close)
                        yield _spoken(speaking, file, length, event)

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> dict[str, Any]:
        longest = self._service.settings.max_transcription_duration
        async with self._admission.turn(_CLIENT):
            wav = await self._read(clip, longest)
            async with self._service.residency.held(["Whisper"]):
                found = await self._service.transcriber.transcribe(wav, language=language, word_timestamps=words)
        return transcription(found).model_dump()

    async def residence(self) -> Residence:
        models, gpus = await asyncio.gather(self._service.residency.status(), self._service.residency.gpus())
        return Residence(models, gpus)

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self._service.residency.offload(_chosen(model), drop_cache=release)

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self._service.residency.set_timeout(_chosen(model), seconds)

    async def voices(self) -> list[Voice]:
        return await self._service.voices.list()

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str) -> Voice:
        async with self._admission.turn(_CLIENT):
            wav = await self._read(clip, self._service.settings.max_audio_duration)
            return await self._service.voices.create(name, wav, ref_text, consent)

    async def delete_voice(self, voice: str) -> Voice:
        return await self._service.voices.remove(voice)

    async def _reference(self, speaking: Speaking) -> Waveform | Reference:
        if speaking.clip:
            return await self._read(speaking.clip, self._service.settings.max_audio_duration)
        if not speaking.voice:
            raise InvalidInput("Give a voice or a clip.", "voice")
        return await self._service.voices.reference(speaking.voice)

    async def _read(self, clip: Clip, longest: float) -> Waveform:
        data = clip.data if clip.url is None else await self._clips.read(clip.url)
        limits = ClipLimits(self._service.settings.min_audio_duration, longest)
        return await asyncio.to_thread(read_clip, data or b"", limits)


def _spoken(speaking: Speaking, file: bytes, length: float, finished: Finished) -> Spoken:
    if not length:
        raise GenerationFailed("The model spoke nothing: try another seed.")
    media_type, rate = MEDIA_TYPES[speaking.format], rate_of(speaking.format, speaking.sample_rate)
    return Spoken(file, media_type, rate, length, finished.finish, finished.seed, finished.warnings)


def _chosen(model: str | None) -> tuple[str, ...]:
    return (model,) if model else MODELS


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def assistant_routes(backend: ServiceBackend, settings: Settings) -> tuple[list[BaseRoute], Lifespan]:
    """The route, and what must run while it serves."""
    server = build_server(backend)
    app = server.streamable_http_app(
        stateless_http=True,  # any ingress replica may get the next request
        max_request_body_size=round(settings.max_upload_mb * 1_000_000),
        transport_security=_security(settings),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return app.routes, lifespan


def _security(settings: Settings) -> TransportSecuritySettings:
    """Against web pages that make a browser ask a service on its own machine (DNS rebinding)."""
    hosts = [host.strip() for host in (settings.mcp_allowed_hosts or "").split(",") if host.strip()]
    if not hosts and settings.api_host in _LOOPBACK:
        hosts = [f"{host}:*" for host in ("127.0.0.1", "localhost", "[::1]")]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=bool(hosts), allowed_hosts=hosts, allowed_origins=origins
    )
