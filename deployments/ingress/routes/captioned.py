"""POST /dev/captioned_speech: speech with the times of its words, in Kokoro-FastAPI's shape."""

import base64
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from deployments.audio.encoder import Format
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES
from deployments.service.bodies import IGNORED, ignored_header
from deployments.service.delivery import complete
from deployments.service.json_speech import JsonSpeech
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService


class CaptionedBody(JsonSpeech):
    """The fields of a request: Kokoro's, and all parameters of speech."""

    model: Annotated[str | None, Field(description="Any name: there is one model."), IGNORED] = None
    response_format: Annotated[Format, Field(description=SpeechParams.model_fields["response_format"].description)] = (
        "mp3"
    )
    return_timestamps: Annotated[
        bool, Field(description="Return the times of the words. Whisper then listens to the speech.")
    ] = True
    stream: Annotated[
        bool | None, Field(description="Kokoro's. The response is one line of JSON in either case."), IGNORED
    ] = None


class TimedWord(BaseModel):
    """A word with its times in seconds."""

    word: str
    start_time: float
    end_time: float


class CaptionedSpeech(BaseModel):
    """Speech with the times of its words."""

    audio: str = Field(description="The file in base64.")
    audio_format: str = Field(description="Media type of the file.")
    timestamps: list[TimedWord] | None


def captioned_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(tags=["kokoro"])

    @router.post(
        "/dev/captioned_speech",
        summary="Generate speech with the times of its words",
        responses=RESPONSES | {404: FAILURES[404]},
    )
    async def captioned(body: CaptionedBody, request: Request, response: Response) -> CaptionedSpeech:
        params = body.model_copy(update={"verify": True}) if body.return_timestamps else body
        data, spoken = await complete(service.speak(params, body.clip, caller=request.state.client))
        response.headers.update(ignored_header([*body.ignored, *body.unused(service.profile)]))
        words = [
            TimedWord(word=word.text, start_time=word.start, end_time=word.end) for word in spoken.words(body.speed)
        ]
        return CaptionedSpeech(
            audio=base64.b64encode(data).decode(),
            audio_format=spoken.media_type,
            timestamps=words if body.return_timestamps else None,
        )

    return router
