"""POST /v1/audio/speech: OpenAI's route, extended by the fields of voice cloning."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from deployments.audio.encoder import MEDIA_TYPES, Format
from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import FAILURES
from deployments.ingress.responses.speech import FAILED, HEADER_SCHEMAS, ResponseMode, speech_response
from deployments.ingress.routes.models import check_model, speech_models
from deployments.service.backend import Clip
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService


class VoiceId(BaseModel):
    """A stored voice."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["voice_0123456789abcdef01234567"])


def _name_or_id(voice: object) -> object:
    return VoiceId.model_validate(voice).id if isinstance(voice, dict) else voice


class SpeechBody(SpeechParams):
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
    ref_audio: Annotated[
        str | None,
        Field(description="Clip of the voice: a data URL, or a URL of an allowed host. Takes precedence over `voice`."),
    ] = None
    instructions: Annotated[
        str | None, Field(max_length=4096, description="Accepted and ignored. Llasa does not support instructions.")
    ] = None
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
        responses=FAILED | {404: FAILURES[404], 200: AUDIO},
    )
    async def speech(body: SpeechBody, turn: HeldTurn) -> Response:
        check_model(body.model, speech_models(service.profile))
        clip = Clip(url=body.ref_audio, param="ref_audio") if body.ref_audio else None
        chunks = service.speak(body, clip, streamed=body.stream and body.mode != "whole", caller=turn)
        headers = {"X-Ignored": "instructions"} if body.instructions else {}
        return await speech_response(chunks, body.with_defaults(service.settings), body.mode, headers)

    return router


_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
AUDIO: Final[dict[str, Any]] = {
    "description": "The speech, or with `details` JSON with the speech.",
    "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)
    | {"text/event-stream": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    "headers": HEADER_SCHEMAS | {"X-Ignored": {"schema": {"type": "string"}, "description": "Ignored fields."}},
}
