"""POST /api/tts: speaks a text in the voice of a reference clip, by the fields of a form."""

from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.errors import ServiceError
from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import FAILURES
from deployments.ingress.responses.speech import FAILED, SPEECH, speech_response
from deployments.ingress.routes.clip_fields import clip_of
from deployments.ingress.uploads import UploadRoute
from deployments.service.bodies import ignored_header
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService
from deployments.xcodec2.protocol import SAMPLE_RATE

OLD_NAMES: Final = {"input": "target_text", "repetition_penalty": "penalty", "seed": "random_seed"}
"""Names that clients of the first Llasa servers send."""


class SpeechForm(SpeechParams):
    """The fields of a request."""

    model_config = ConfigDict(alias_generator=lambda name: OLD_NAMES.get(name, name))

    audio: Annotated[
        UploadFile | SkipJsonSchema[None],
        File(description="The reference clip: any audio that FFmpeg reads, ideally 5 to 15 s. Or give a `voice`."),
    ] = None
    stream: Annotated[
        bool, Field(description="true: send the file while it is generated. Its header then has no length.")
    ] = False


def tts_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(tags=["speech"], route_class=UploadRoute)

    @router.post(
        "/api/tts",
        summary="Generate speech in the voice of a clip",
        response_class=Response,
        responses=FAILED
        | {
            404: FAILURES[404],
            200: SPEECH,
        },
    )
    async def tts(form: Annotated[SpeechForm, Form(media_type="multipart/form-data")], turn: HeldTurn) -> Response:
        clip = None if form.voice and not form.audio else clip_of(form.audio, None, "audio")
        chunks = service.speak(form, clip, streamed=form.stream, caller=turn, rate=SAMPLE_RATE)
        headers = ignored_header(form.unused(service.profile))
        if not form.details:
            headers["Content-Disposition"] = f'attachment; filename="speech.{form.response_format}"'
        params = form.with_defaults(service.settings, service.profile, SAMPLE_RATE)
        try:
            return await speech_response(chunks, params, "audio" if form.stream else "whole", headers)
        except ServiceError as error:
            error.param = OLD_NAMES.get(error.param or "", error.param)
            raise

    return router
