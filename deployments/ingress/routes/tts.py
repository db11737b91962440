"""POST /api/tts: speaks a text in the voice of a reference clip."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from deployments.ingress.responses.speech import FAILED, HEADERS, speak
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.service.delivery import OutputOptions
from deployments.service.outputs import Outputs
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
from deployments.service.service import Service
from deployments.settings import Rate, Seed
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.text.checks import check_ref_text, check_text


class SpeechForm(BaseModel):
    """The fields of a request."""

    model_config = ConfigDict(extra="forbid")

    audio: Annotated[
        UploadFile, File(description="The reference clip: any audio that FFmpeg reads, ideally 5 to 15 s.")
    ]
    target_text: Annotated[str, Field(description="What to say.", examples=["Hello, this is my voice."])]
    ref_text: Annotated[
        str | None,
        Field(description="Text of the clip. If empty or missing, Whisper transcribes it.", examples=["Good morning."]),
    ] = None
    system_prompt: SystemPrompt = INSTRUCTION
    sample_rate: Annotated[
        Rate | None, Field(description="Sample rate in Hz. The models generate 16000 Hz.", examples=[24_000])
    ] = None
    temperature: Temperature = 0.9
    top_k: TopK = 50
    top_p: TopP = 0.95
    penalty: Penalty = 1.1
    random_seed: Annotated[
        Seed | None, Field(description="The same request with the same seed returns the same speech.", examples=[49])
    ] = None
    normalise: Normalise = True
    language: Language = "en"
    ref_check: RefCheck = None
    verify: Verify = None
    best_of: BestOf = None
    strict: Strict = False
    details: Annotated[
        bool,
        Field(
            description="Return JSON: `audio` (the file in base64), `captions`, and `parts` with their seeds, scores, "
            "transcripts and word times. Words need `verify`. Ignored if `stream` is true."
        ),
    ] = False
    stream: Annotated[
        bool, Field(description="true: send the file while it is generated. Its header then has no length.")
    ] = False


def tts_routes(service: Service) -> APIRouter:
    """Returns the route of a service."""
    settings = service.settings
    router = APIRouter(tags=["speech"])

    @router.post(
        "/api/tts",
        summary="Generate speech in the voice of a clip",
        response_class=Response,
        responses=FAILED
        | {
            200: {
                "description": "16-bit mono WAV, or JSON with it.",
                "content": {
                    "audio/wav": {"schema": {"type": "string", "format": "binary"}},
                    "application/json": {"schema": {"type": "object"}},
                },
                "headers": {
                    name: {"schema": {"type": "string"}, "description": text} for name, text in HEADERS.items()
                },
            }
        },
    )
    async def tts(form: Annotated[SpeechForm, Form(media_type="multipart/form-data")], http: Request) -> Response:
        text = check_text(form.target_text, settings.max_text_length, "target_text")
        ref_text = check_ref_text(form.ref_text, settings.max_text_length)
        seed = settings.default_random_seed if form.random_seed is None else form.random_seed
        clip = await service.audio.clip(form.audio.file, "audio")
        sampling = Sampling(
            temperature=form.temperature,
            top_k=form.top_k,
            top_p=form.top_p,
            repetition_penalty=form.penalty,
            seed=seed,
        )
        return await speak(
            service,
            http,
            SpeechRequest(
                text,
                clip.wav,
                ref_text,
                form.system_prompt,
                sampling,
                normalise=form.normalise,
                language=form.language,
                policy=service.synthesizer.policy.changed(
                    strict=form.strict, reference_check=form.ref_check, verify=form.verify, best_of=form.best_of
                ),
                live=form.stream,
                warnings=clip.warnings,
            ),
            OutputOptions(
                "wav",
                form.sample_rate or settings.default_sample_rate,
                seed=seed,
                kept_in=Outputs.of(settings),
                details=form.details,
            ),
            "audio" if form.stream else "whole",
            {} if form.details else {"Content-Disposition": 'attachment; filename="speech.wav"'},
        )

    return router
