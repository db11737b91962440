"""POST /v1/audio/speech: OpenAI's route, extended by the fields of voice cloning."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from deployments.audio.encoder import MEDIA_TYPES, Format
from deployments.errors import InvalidInput
from deployments.ingress.responses.exception_handlers import FAILURES
from deployments.ingress.responses.speech import FAILED, HEADERS, ResponseMode, speak
from deployments.ingress.routes.models import check_model, speech_models
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.service.delivery import OutputOptions
from deployments.service.outputs import outputs_for
from deployments.service.parameters import (
    BestOf,
    Language,
    Normalise,
    Penalty,
    RefCheck,
    Strict,
    SystemPrompt,
    Temperature,
    TopK,
    TopP,
    Verify,
)
from deployments.service.remote_clip import clip_reader
from deployments.service.retry import with_retries
from deployments.service.service import Service
from deployments.settings import Rate, Seed
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.text.checks import check_ref_text, check_text
from deployments.voices.reference import Reference
from deployments.xcodec2.protocol import Waveform

RATE: Final = 24_000
"""Default sample rate in Hz: OpenAI's. Clients that play `pcm` expect it."""


class VoiceId(BaseModel):
    """A stored voice."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["voice_0123456789abcdef01234567"])


class SpeechBody(BaseModel):
    """The fields of a request. Those after `stream_format` are not OpenAI's."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(description="One of GET /v1/models.", examples=["tts-1"])]
    input: Annotated[str, Field(description="What to say.", examples=["Hello, this is my voice."])]
    voice: Annotated[
        str | VoiceId | None,
        Field(description="Name or id of a voice from GET /v1/audio/voices.", examples=["alloy"]),
    ] = None
    system_prompt: SystemPrompt = INSTRUCTION
    instructions: Annotated[
        str | None, Field(max_length=4096, description="Accepted and ignored. Llasa does not support instructions.")
    ] = None
    response_format: Annotated[
        Format, Field(description="`pcm` is 16-bit little-endian mono, `opus` is in Ogg, `aac` in ADTS.")
    ] = "mp3"
    speed: Annotated[FiniteFloat, Field(ge=0.25, le=4, description="Speed of the speech, at the same pitch.")] = 1.0
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
    ref_audio: Annotated[
        str | None,
        Field(description="Clip of the voice: a data URL, or a URL of an allowed host. Takes precedence over `voice`."),
    ] = None
    ref_text: Annotated[str | None, Field(description="Text of the clip. If missing, Whisper transcribes it.")] = None
    temperature: Temperature = 0.9
    top_p: TopP = 0.95
    top_k: TopK = 50
    repetition_penalty: Penalty = 1.1
    seed: Annotated[Seed | None, Field(description="The same request with the same seed returns the same speech.")] = (
        None
    )
    normalise: Normalise = True
    language: Language = "en"
    verify: Verify = None
    best_of: BestOf = None
    ref_check: RefCheck = None
    strict: Strict = False
    details: Annotated[
        bool,
        Field(
            description="Return JSON: `audio` (the file in base64), `captions`, and `parts` with their seeds, scores, "
            "transcripts and word times. Words need `verify`. With `sse`, the last event has the same without `audio`. "
            "If `max_new_tokens` cuts the speech, there are no parts."
        ),
    ] = False
    keep: Annotated[
        bool,
        Field(
            description="Fail if the service stores no copies. The name of the copy is in `X-Output`, or with `sse` in "
            "the last event; GET /api/outputs/{name} returns it."
        ),
    ] = False
    max_new_tokens: Annotated[
        int | None, Field(ge=1, description="Cut the speech after this many codes (50 per second).")
    ] = None
    sample_rate: Annotated[
        Rate | None,
        Field(description=f"Sample rate in Hz; default {RATE}. MP3 and AAC support some rates, Opus only 48000."),
    ] = None


def speech_routes(service: Service) -> APIRouter:
    """Returns the route of a service."""
    settings = service.settings
    clips = clip_reader(settings)
    router = APIRouter(prefix="/v1/audio", tags=["openai"])

    async def reference(body: SpeechBody) -> tuple[Waveform | Reference, str | None, tuple[str, ...]]:
        if body.ref_audio:
            ref_text = check_ref_text(body.ref_text, settings.max_text_length)
            clip = await service.audio.clip(await clips.read(body.ref_audio), "ref_audio")
            return clip.wav, ref_text, clip.warnings
        key = body.voice.id if isinstance(body.voice, VoiceId) else body.voice
        if not key:
            raise InvalidInput("Give a voice, or a clip as ref_audio.", "voice")
        return await with_retries(lambda: service.voices.reference(key)), None, ()

    @router.post(
        "/speech",
        summary="Generate speech in a stored voice or the voice of a clip",
        response_class=Response,
        responses=FAILED | {404: FAILURES[404], 200: AUDIO},
    )
    async def speech(body: SpeechBody, http: Request) -> Response:
        check_model(body.model, speech_models(service.profile))
        text = check_text(body.input, settings.max_text_length, "input")
        voice, ref_text, warnings = await reference(body)
        seed = settings.default_random_seed if body.seed is None else body.seed
        sampling = Sampling(
            temperature=body.temperature,
            top_k=body.top_k,
            top_p=body.top_p,
            repetition_penalty=body.repetition_penalty,
            seed=seed,
        )
        delivery = OutputOptions(
            body.response_format,
            body.sample_rate or RATE,
            body.speed,
            body.max_new_tokens,
            seed,
            outputs_for(settings, keep=body.keep),
            body.details,
        )
        manner: ResponseMode = "audio" if body.stream and not body.details else "whole"
        if body.stream_format == "sse":
            manner = "progress" if body.progress else "sse"
        headers = {"X-Ignored": "instructions"} if body.instructions else {}
        request = SpeechRequest(
            text,
            voice,
            ref_text,
            body.system_prompt,
            sampling,
            normalise=body.normalise,
            language=body.language,
            policy=service.synthesizer.policy.changed(
                strict=body.strict, reference_check=body.ref_check, verify=body.verify, best_of=body.best_of
            ),
            live=body.stream and manner != "whole",
            warnings=warnings,
        )
        return await speak(service, http, request, delivery, manner, headers)

    return router


_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
AUDIO: Final[dict[str, Any]] = {
    "description": "The speech, or with `details` JSON with the speech.",
    "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)
    | {"text/event-stream": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    "headers": {
        name: {"schema": {"type": "string"}, "description": text}
        for name, text in {**HEADERS, "X-Ignored": "Fields that had no effect."}.items()
    },
}
