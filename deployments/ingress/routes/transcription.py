"""POST /api/transcribe: transcribes a clip."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import RESPONSES
from deployments.ingress.responses.speech import warning_headers
from deployments.ingress.routes.clip_fields import ClipUrl, clip_of
from deployments.ingress.uploads import UploadRoute
from deployments.service.bodies import FormBody
from deployments.service.languages import HeardLanguage
from deployments.service.service import SpeechService
from deployments.service.transcription import Transcription


class TranscriptionForm(FormBody):
    """The fields of a request."""

    audio: Annotated[UploadFile | SkipJsonSchema[None], File(description="Any audio that FFmpeg reads.")] = None
    audio_url: ClipUrl = None
    language: HeardLanguage = None
    word_timestamps: Annotated[bool, Field(description="Also return the times of each word.")] = False


def transcription_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(tags=["speech"], route_class=UploadRoute)

    @router.post("/api/transcribe", summary="Transcribe a recording", responses=RESPONSES)
    async def transcribe(
        form: Annotated[TranscriptionForm, Form(media_type="multipart/form-data")], response: Response, turn: HeldTurn
    ) -> Transcription:
        clip = clip_of(form.audio, form.audio_url, "audio")
        found = await service.transcribe(clip, language=form.language, words=form.word_timestamps, caller=turn)
        response.headers.update(warning_headers(found.warnings))
        return found

    return router
