"""The page as a Serve deployment, and the service as it sees it: behind a handle."""

from collections.abc import AsyncGenerator
from typing import Any, cast

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from deployments.ingress.deployment import errors_of
from deployments.ingress.protocol import Clip, Residence, Speaking
from deployments.settings import Settings
from deployments.speech.events import Event
from deployments.speech.voice_store import Voice
from deployments.xcodec2.protocol import Waveform


class RemoteBackend:
    """`Backend` behind a handle.

    Args:
        application: Serve's name of the service's application.
    """

    def __init__(self, application: str) -> None:
        self._application = application

    async def narrate(self, speaking: Speaking, client: str) -> AsyncGenerator[Event, None]:
        with errors_of("The service"):
            streams: DeploymentHandle[Any] = self._handle().options(method_name="narrate", stream=True)
            events = cast("DeploymentResponseGenerator[Event]", streams.remote(speaking, client))
            try:
                async for event in events:
                    yield event
            finally:
                events.cancel()

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool, client: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._ask("transcribe", clip, language=language, words=words, client=client)
        return found

    async def voices(self) -> list[Voice]:
        voices: list[Voice] = await self._ask("voices")
        return voices

    async def voice_sample(self, voice: str) -> Waveform:
        wav: Waveform = await self._ask("voice_sample", voice)
        return wav

    async def clone_voice(self, name: str, clip: Clip, ref_text: str | None, consent: str, client: str) -> Voice:
        voice: Voice = await self._ask("clone_voice", name, clip, ref_text, consent, client=client)
        return voice

    async def rename_voice(self, voice: str, name: str) -> Voice:
        renamed: Voice = await self._ask("rename_voice", voice, name)
        return renamed

    async def delete_voice(self, voice: str) -> Voice:
        deleted: Voice = await self._ask("delete_voice", voice)
        return deleted

    async def residence(self) -> Residence:
        residence: Residence = await self._ask("residence")
        return residence

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self._ask("offload", model, release=release)

    async def warm(self, model: str | None) -> None:
        await self._ask("warm", model)

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self._ask("set_timeout", model, seconds)

    def _handle(self) -> DeploymentHandle[Any]:
        # Asked for anew each time, for Serve keeps it: this replica may be up before the service is.
        return serve.get_app_handle(self._application)

    async def _ask(self, question: str, *args: Any, **options: Any) -> Any:
        with errors_of("The service"):
            return await self._handle().ask.remote(question, *args, **options)


@serve.ingress()
class UiDeployment:
    """The page; asks the service, never a model.

    Args:
        settings: Of the service.
        application: Serve's name of the service's application.
    """

    def __init__(self, settings: Settings, application: str) -> None:
        self._settings = settings
        self._backend = RemoteBackend(application)

    def __serve_build_asgi_app__(self) -> FastAPI:
        from ui.application import build_application

        return build_application(self._backend, self._settings)
