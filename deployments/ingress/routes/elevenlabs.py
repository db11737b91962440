"""/v1/voices and /v1/text-to-speech: ElevenLabs' routes."""

from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from deployments.ingress.responses.exception_handlers import FAILURES, failures
from deployments.ingress.responses.speech import FAILED, SPEECH, AudioResponse, ResponseMode, speech_response
from deployments.ingress.routes.elevenlabs_fields import Alignment, ElevenBody, ElevenVoice, ElevenVoices, TimedSpeech
from deployments.service.bodies import ignored_header
from deployments.service.delivery import SpeechChunk, complete
from deployments.service.retry import await_first_item
from deployments.service.service import SpeechService

OutputFormat = Annotated[str, Query(description="Codec, Hz and perhaps kbit/s.", examples=["mp3_44100_128"])]
_DEFAULT: Final = "mp3_44100_128"
_LINES: Final = "application/x-ndjson"


def elevenlabs_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    router = APIRouter(tags=["elevenlabs"])
    answers = FAILED | {404: FAILURES[404]}

    async def spoken(voice_id: str, body: ElevenBody, output: str, request: Request, mode: ResponseMode) -> Response:
        params = body.params(voice_id, output)
        chunks = service.speak(params, streamed=mode == "audio", caller=request.state.client)
        filled = params.with_defaults(service.settings, service.profile)
        return await speech_response(chunks, filled, mode, ignored_header(body.ignored))

    @router.get("/v2/voices", summary="List the voices", responses={401: FAILURES[401]})
    @router.get("/v1/voices", summary="List the voices", responses={401: FAILURES[401]})
    async def voices() -> ElevenVoices:
        found = await service.list_voices()
        return ElevenVoices(total_count=len(found), voices=[ElevenVoice.of(voice) for voice in found])

    @router.get(
        "/v1/voices/{voice_id}",
        summary="Get a voice by its name or id",
        responses=failures(401, 404, 422),
    )
    async def voice(voice_id: str) -> ElevenVoice:
        return ElevenVoice.of(await service.voices.get(voice_id))

    @router.post(
        "/v1/text-to-speech/{voice_id}",
        summary="Generate speech",
        response_class=Response,
        responses=answers | {200: SPEECH},
    )
    async def speech(
        voice_id: str, body: ElevenBody, request: Request, output_format: OutputFormat = _DEFAULT
    ) -> Response:
        return await spoken(voice_id, body, output_format, request, "whole")

    @router.post(
        "/v1/text-to-speech/{voice_id}/stream",
        summary="Generate speech, sent while it is generated",
        response_class=Response,
        responses=answers | {200: SPEECH},
    )
    async def stream(
        voice_id: str, body: ElevenBody, request: Request, output_format: OutputFormat = _DEFAULT
    ) -> Response:
        return await spoken(voice_id, body, output_format, request, "audio")

    @router.post(
        "/v1/text-to-speech/{voice_id}/with-timestamps",
        summary="Generate speech with the times of its characters",
        responses=answers,
    )
    async def timed(
        voice_id: str, body: ElevenBody, request: Request, output_format: OutputFormat = _DEFAULT
    ) -> TimedSpeech:
        params = body.params(voice_id, output_format).model_copy(update={"verify": True})
        data, result = await complete(service.speak(params, caller=request.state.client))
        return TimedSpeech.of(data, Alignment.of(body.text, result.words(params.speed)))

    @router.post(
        "/v1/text-to-speech/{voice_id}/stream/with-timestamps",
        summary="Generate speech with the times of its characters, sent while it is generated",
        description="Each line is JSON. The last one has the times of all characters; those before have only audio.",
        response_class=Response,
        responses=answers | {200: {"model": TimedSpeech, "content": {_LINES: {}}}},
    )
    async def timed_stream(
        voice_id: str, body: ElevenBody, request: Request, output_format: OutputFormat = _DEFAULT
    ) -> Response:
        params = body.params(voice_id, output_format).model_copy(update={"verify": True})
        chunks = service.speak(params, streamed=True, caller=request.state.client)
        first, rest = await await_first_item(chunks, lambda chunk: bool(chunk.data or chunk.result))
        return _TimedLines(first, rest, body, params.speed)

    return router


class _TimedLines(AudioResponse):
    """Sends each chunk as a line of JSON."""

    def __init__(
        self, first: SpeechChunk, rest: AsyncGenerator[SpeechChunk, None], body: ElevenBody, speed: float
    ) -> None:
        super().__init__(first, rest, ignored_header(body.ignored), _LINES)
        self._text = body.text
        self._speed = speed

    def encode(self, chunk: SpeechChunk) -> bytes:
        alignment = Alignment.of(self._text, chunk.result.words(self._speed)) if chunk.result else None
        return TimedSpeech.of(chunk.data, alignment).model_dump_json().encode() + b"\n"
