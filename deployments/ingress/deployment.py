"""The ingress as a Serve deployment, and the other rooms as it sees them: behind handles."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, cast

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from deployments.errors import ServiceError, Unavailable
from deployments.gpu.residency import ServeResidency
from deployments.ingress.application import build_application
from deployments.ingress.service import Service
from deployments.llasa.protocol import CodeChunk, EngineStats, TakeRequest
from deployments.settings import Settings
from deployments.speech.synthesis import Synthesizer
from deployments.whisper.protocol import Transcript
from deployments.xcodec2.protocol import Codes, Waveform


@contextmanager
def _errors_of(room: str) -> Iterator[None]:
    """Gives a room's own errors out as they were raised there, and the loss of its replica as one of ours."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        raise
    except RayActorError as error:
        raise Unavailable(f"{room} has stopped and is being restarted: try again.", retry_after_s=5) from error


class RemoteLlasa:
    """`SpeechLM` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle
        self._takes: DeploymentHandle[Any] = handle.options(method_name="generate", stream=True)

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        with _errors_of("Llasa"):
            chunks = cast("DeploymentResponseGenerator[CodeChunk]", self._takes.remote(request))
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                chunks.cancel()

    async def stats(self) -> EngineStats:
        with _errors_of("Llasa"):
            stats: EngineStats = await self._handle.stats.remote()
        return stats


class RemoteXcodec2:
    """`Codec` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def encode(self, wav: Waveform) -> Codes:
        with _errors_of("XCodec2"):
            codes: Codes = await self._handle.encode.remote(wav)
        return codes

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        with _errors_of("XCodec2"):
            wav: Waveform = await self._handle.decode.remote(codes, start)
        return wav


class RemoteWhisper:
    """`Transcriber` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def transcribe(
        self,
        wav: Waveform,
        *,
        language: str | None = None,
        prompt: str | None = None,
        word_timestamps: bool = False,
    ) -> Transcript:
        with _errors_of("Whisper"):
            transcript: Transcript = await self._handle.transcribe.remote(
                wav, language=language, prompt=prompt, word_timestamps=word_timestamps
            )
        return transcript


async def _deployment_health() -> dict[str, str]:
    """Status of the deployments of this replica's application, as Serve's controller knows it."""
    application = serve.get_replica_context().app_name
    status = await asyncio.to_thread(serve.status)
    deployments = status.applications[application].deployments
    return {name: deployment.status.value.lower() for name, deployment in deployments.items()}


@serve.ingress()
class IngressDeployment:
    """The HTTP application; holds no model."""

    def __init__(
        self,
        settings: Settings,
        llasa: DeploymentHandle[Any],
        xcodec2: DeploymentHandle[Any],
        whisper: DeploymentHandle[Any],
    ) -> None:
        transcriber = RemoteWhisper(whisper)
        residency = ServeResidency(
            serve.get_replica_context().app_name,
            {"Llasa": llasa, "XCodec2": xcodec2, "Whisper": whisper},
            settings.model_wait_timeout,
        )
        synthesizer = Synthesizer(RemoteLlasa(llasa), RemoteXcodec2(xcodec2), transcriber, residency)
        self._service = Service(synthesizer, transcriber, _deployment_health, residency, settings)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return build_application(self._service)
