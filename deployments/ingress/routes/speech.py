"""POST /v1/audio/speech: OpenAI's route, extended by the fields of voice cloning."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field

from deployments.audio.encoder import Format
from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import FAILURES
from deployments.ingress.responses.speech import FAILED, SPEECH, ResponseMode, speech_response
from deployments.ingress.routes.models import check_model, speech_models
from deployments.service.bodies import JsonBody, ignored_header
from deployments.service.json_speech import JsonSpeech
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService

_EVENTS: Final = {"text/event-stream": {"schema": {"type": "string"}}}


class VoiceId(JsonBody):
    """A stored voice."""

    id: str = Field(examples=["voice_0123456789abcdef01234567"])


def _name_or_id(voice: object) -> object:
    return VoiceId.model_validate(voice).id if isinstance(voice, dict) else voice


class SpeechBody(JsonSpeech):
    """The fields of a request: OpenAI's, and all parameters of speech."""

    model: Annotated[str, Field(description="One of GET /v1/models.", examples=["tts-1"])]
    voice: Annotated[
        str | None,
        BeforeValidator(_name_or_id, json_schema_input_type=str | VoiceId | None),
        Field(description=SpeechParams.model_fields["voice"].description, examples=["alloy"]),
    ] = None
    response_format: Annotated[Format, Field(description=SpeechParams.model_fields["response_format"].description)] = (
        "mp3"
    )
    stream_format: Annotated[
        Literal["audio", "sse"], Field(description="`sse`: events with the audio in base64, followed by the usage.")
    ] = "audio"
    progress: Annotated[
        bool,
        Field(description="With `sse`: also send an event at each stage. Errors are sent as events too."),
    ] = False
    stream: Annotated[
        bool,
        Field(description="true: send audio while it is generated. false: send it complete, with all headers."),
    ] = True

    @property
    def mode(self) -> ResponseMode:
        """How to respond."""
        if self.stream_format == "sse":
            return "progress" if self.progress else "sse"
        return "audio" if self.stream and not self.details else "whole"


def speech_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(prefix="/v1/audio", tags=["openai"])

    @router.post(
        "/speech",
        summary="Generate speech in a stored voice or the voice of a clip",
        response_class=Response,
        responses=FAILED | {404: FAILURES[404], 200: SPEECH | {"content": SPEECH["content"] | _EVENTS}},
    )
    async def speech(body: SpeechBody, turn: HeldTurn) -> Response:
        check_model(body.model, speech_models(service.profile))
        chunks = service.speak(body, body.clip, streamed=body.stream and body.mode != "whole", caller=turn)
        params = body.with_defaults(service.settings, service.profile)
        return await speech_response(
            chunks, params, body.mode, ignored_header([*body.ignored, *body.unused(service.profile)])
        )

    return router
