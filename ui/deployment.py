"""The page as a Serve deployment, and the service behind a handle."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

from fastapi import FastAPI
from ray import serve
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from deployments.errors import ReplicaLost, Unavailable
from deployments.jobs.deployment import RemoteJobs
from deployments.jobs.formats import BookFormat
from deployments.jobs.manuscript import Manuscript
from deployments.jobs.order import JobOrder
from deployments.jobs.recordings import TranscriptionOrder
from deployments.log import log_beside_serve
from deployments.profiles import Profile
from deployments.remote import errors_of, from_controller
from deployments.residency.protocol import ModelStatus
from deployments.service.backend import Clip, Residence
from deployments.service.job_desk import LongRecording
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import StoredPronunciation
from deployments.service.retry import stream_with_retries, with_retries
from deployments.service.transcription import Transcription
from deployments.settings import Settings
from deployments.synthesis.events import SpeechEvent
from deployments.text.pronunciation import Pronunciation
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import Waveform

_POLL_S: Final = 0.5


class RemoteBackend:
    """`Backend` behind a handle.

    If the ingress replica of a call dies, another one is called, unless something may have changed already: a voice
    or a pronunciation that was stored, renamed or deleted. Then the error says so, and the visitor checks the list.

    Args:
        application: Serve's name of the service's application.
    """

    def __init__(self, application: str) -> None:
        self._application = application
        self._handle: DeploymentHandle[Any] | None = None
        self.jobs = RemoteJobs(application)

    def narrate(
        self, params: SpeechParams, clip: Clip | None = None, *, caller: str
    ) -> AsyncGenerator[SpeechEvent, None]:
        return stream_with_retries(
            lambda: self._narrate(params, clip, caller=caller), lambda event: event.audio is not None
        )

    async def _narrate(self, *args: Any, **options: Any) -> AsyncGenerator[SpeechEvent, None]:
        with errors_of("The service"):
            streams: DeploymentHandle[Any] = (await self._service()).options(method_name="narrate", stream=True)
            events = cast("DeploymentResponseGenerator[SpeechEvent]", streams.remote(*args, **options))
            try:
                async for event in events:
                    yield event
            finally:
                events.cancel()

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool, caller: str) -> Transcription:
        found: Transcription = await self._ask("transcribe", clip, language=language, words=words, caller=caller)
        return found

    async def hear_clip(self, clip: Clip, *, caller: str) -> Transcription:
        found: Transcription = await self._ask("hear_clip", clip, caller=caller)
        return found

    async def list_voices(self) -> list[Voice]:
        voices: list[Voice] = await self._ask("list_voices")
        return voices

    async def voice_sample(self, voice: str) -> Waveform:
        wav: Waveform = await self._ask("voice_sample", voice)
        return wav

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str, *, caller: str) -> Voice:
        voice: Voice = await self._change("clone_voice", name, clip, ref_text, consent, caller=caller)
        return voice

    async def rename_voice(self, voice: str, name: str) -> Voice:
        renamed: Voice = await self._change("rename_voice", voice, name)
        return renamed

    async def delete_voice(self, voice: str) -> Voice:
        deleted: Voice = await self._change("delete_voice", voice)
        return deleted

    async def export_voice(self, voice: str) -> bytes:
        bundle: bytes = await self._ask("export_voice", voice)
        return bundle

    async def import_voice(self, file: bytes, name: str | None = None, *, caller: str) -> Voice:
        voice: Voice = await self._change("import_voice", file, name, caller=caller)
        return voice

    async def job_order(
        self, params: SpeechParams, manuscript: Manuscript, clip: Clip | None, format: BookFormat, *, caller: str
    ) -> JobOrder:
        order: JobOrder = await self._ask("job_order", params, manuscript, clip, format, caller=caller)
        return order

    async def transcription_order(self, recording: LongRecording, *, caller: str) -> TranscriptionOrder:
        order: TranscriptionOrder = await self._ask("transcription_order", recording, caller=caller)
        return order

    async def list_pronunciations(self) -> tuple[StoredPronunciation, ...]:
        found: tuple[StoredPronunciation, ...] = await self._ask("list_pronunciations")
        return found

    async def add_pronunciations(self, entries: Sequence[Pronunciation]) -> tuple[StoredPronunciation, ...]:
        added: tuple[StoredPronunciation, ...] = await self._change("add_pronunciations", entries)
        return added

    async def remove_pronunciation(self, id: str) -> None:
        await self._change("remove_pronunciation", id)

    async def models(self) -> dict[str, ModelStatus]:
        found: dict[str, ModelStatus] = await self._ask("models")
        return found

    async def residence(self) -> Residence:
        residence: Residence = await self._ask("residence")
        return residence

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self._ask("offload", model, release=release)

    async def warm(self, model: str | None) -> None:
        await self._ask("warm", model)

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self._ask("set_timeout", model, seconds)

    async def profile(self) -> Profile:
        """Returns the service's profile; waits until the service is up."""
        while True:
            try:
                profile: Profile = await self._ask("read_profile")
            except (ReplicaLost, Unavailable):
                await asyncio.sleep(_POLL_S)
            else:
                return profile

    async def _service(self) -> DeploymentHandle[Any]:
        if self._handle is None:
            try:
                self._handle = await from_controller(lambda: serve.get_app_handle(self._application))
            except RayServeException as error:
                raise Unavailable("The service is not up yet: try again.", retry_after_s=5) from error
        return self._handle

    async def _ask(self, method: str, *args: Any, **options: Any) -> Any:
        return await with_retries(lambda: self._call(method, *args, **options))

    async def _change(self, method: str, *args: Any, **options: Any) -> Any:
        try:
            return await self._call(method, *args, **options)
        except ReplicaLost as error:
            raise Unavailable(
                "The service was restarted meanwhile: check the list before you try again.", retry_after_s=5
            ) from error

    async def _call(self, method: str, *args: Any, **options: Any) -> Any:
        with errors_of("The service"):
            return await (await self._service()).options(method_name=method).remote(*args, **options)


@serve.ingress()
class UiDeployment:
    """Serves the page; calls the service, never a model.

    Args:
        settings: The service's settings.
        application: Serve's name of the service's application.
    """

    def __init__(self, settings: Settings, application: str) -> None:
        log_beside_serve()
        self._settings = settings
        self._backend = RemoteBackend(application)
        if settings.temp_dir:
            settings.temp_dir.mkdir(parents=True, exist_ok=True)
        self._folder = TemporaryDirectory(prefix="llasa-page-", dir=settings.temp_dir)
        os.environ["GRADIO_TEMP_DIR"] = f"{self._folder.name}/gradio"

    async def __serve_build_asgi_app__(self) -> FastAPI:
        from ui.application import build_application

        profile = await self._backend.profile()
        return build_application(self._backend, self._settings, profile, Path(self._folder.name) / "takes")

    def __del__(self) -> None:
        self._folder.cleanup()
