"""POST /api/tts: a reference clip and a text in, speech out."""

import asyncio
import json
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from deployments.ingress.failures import RESPONSES
from deployments.ingress.service import Service
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.settings import Rate, Seed
from deployments.speech.clip import ClipLimits, read_clip
from deployments.speech.outputs import keep_output
from deployments.speech.policy import ReferenceCheck
from deployments.speech.synthesis import Speech, SpeechRequest, seconds
from deployments.speech.text import check_text
from deployments.speech.wav import resample, write_wav


class SpeechForm(BaseModel):
    """The fields of a request."""

    model_config = ConfigDict(extra="forbid")

    audio: Annotated[UploadFile, File(description="The reference clip: any audio that FFmpeg reads; best 5 to 15 s.")]
    target_text: Annotated[str, Field(description="What to say.", examples=["Hello, this is my voice."])]
    ref_text: Annotated[
        str | None,
        Field(description="What the clip says. Empty or missing: Whisper listens.", examples=["Good morning."]),
    ] = None
    system_prompt: Annotated[
        str, Field(max_length=200, description="Begins the model's prompt. It was trained on the default only.")
    ] = INSTRUCTION
    sample_rate: Annotated[
        Rate | None, Field(description="Hz of the answer; the voice is made at 16000.", examples=[24_000])
    ] = None
    temperature: Annotated[FiniteFloat, Field(ge=0, le=2, description="Liveliness; 0 always takes the likeliest.")] = (
        0.9
    )
    top_k: Annotated[int, Field(ge=0, le=65_536, description="How many codes are considered; 0: all.")] = 50
    top_p: Annotated[FiniteFloat, Field(gt=0, le=1, description="Probability that the codes considered reach.")] = 0.95
    penalty: Annotated[FiniteFloat, Field(gt=0, le=2, description="Above 1, codes said lately become less likely.")] = (
        1.1
    )
    random_seed: Annotated[
        Seed | None, Field(description="The same request with the same seed gives the same speech.", examples=[49])
    ] = None
    normalise: Annotated[bool, Field(description="Write out numbers and symbols, replace odd characters.")] = True
    ref_check: Annotated[
        ReferenceCheck | None,
        Field(
            description="Where ref_text is not what Whisper hears: `refuse` the request, `repair` the text, or `off`: "
            "do not listen. Missing: as the service is set."
        ),
    ] = None
    strict: Annotated[bool, Field(description="Refuse a speech with a flaw, instead of giving it with a warning.")] = (
        False
    )


def tts_routes(service: Service) -> APIRouter:
    """The route, on a service."""
    settings = service.settings
    limits = ClipLimits(settings.min_audio_duration, settings.max_audio_duration)
    router = APIRouter(tags=["speech"])

    @router.post(
        "/api/tts",
        summary="Speak a text in the voice of a clip",
        response_class=Response,
        responses=RESPONSES
        | {
            200: {
                "description": "16-bit mono WAV.",
                "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
                "headers": {
                    name: {"schema": {"type": "string"}, "description": text} for name, text in _HEADERS.items()
                },
            }
        },
    )
    async def speak(form: Annotated[SpeechForm, Form(media_type="multipart/form-data")]) -> Response:
        text = check_text(form.target_text, settings.max_text_length, "target_text")
        ref_text = (form.ref_text or "").strip()
        if ref_text:
            check_text(ref_text, 10 * settings.max_text_length, "ref_text")
        rate = form.sample_rate or settings.default_sample_rate
        seed = settings.default_random_seed if form.random_seed is None else form.random_seed
        reference = await asyncio.to_thread(read_clip, form.audio.file, limits)
        sampling = Sampling(
            temperature=form.temperature,
            top_k=form.top_k,
            top_p=form.top_p,
            repetition_penalty=form.penalty,
            seed=seed,
        )
        speech = await service.synthesizer.speak(
            SpeechRequest(
                text,
                reference,
                ref_text or None,
                form.system_prompt,
                sampling,
                normalise=form.normalise,
                policy=replace(
                    service.synthesizer.policy,
                    strict=form.strict,
                    reference_check=form.ref_check or service.synthesizer.policy.reference_check,
                ),
            )
        )
        file = await asyncio.to_thread(lambda: write_wav(resample(speech.wav, rate), rate))
        if settings.outputs_dir:
            await asyncio.to_thread(keep_output, settings.outputs_dir, file, ".wav")
        return Response(file, media_type="audio/wav", headers=_headers(speech, rate))

    return router


_HEADERS = {
    "X-Sample-Rate": "Hz.",
    "X-Audio-Duration": "Seconds.",
    "X-Finish-Reason": "`stop`: said to its end. `length`: cut at the longest that such a text may take. `loop`: "
    "stopped where it turned in a circle. `error`: stopped where it fell silent.",
    "X-Parts": "In how many the text was spoken.",
    "X-Takes": "How many were made of them: with the retries of those that had a flaw.",
    "X-Warnings": "What is wrong with the speech, a JSON list of sentences.",
    "X-Seed": "Gives the same speech again.",
    "Server-Timing": "Milliseconds of each stage: wake, transcribe, encode, generate, decode.",
}


def _headers(speech: Speech, rate: int) -> dict[str, str]:
    timings = ", ".join(f"{stage};dur={1000 * spent:.1f}" for stage, spent in speech.finished.timings.items())
    return {
        "Content-Disposition": 'attachment; filename="speech.wav"',
        "X-Sample-Rate": str(rate),
        "X-Audio-Duration": f"{seconds(speech.wav):.3f}",
        "X-Finish-Reason": speech.finished.finish,
        "X-Seed": str(speech.finished.seed),
        "X-Parts": str(len(speech.finished.parts)),
        "X-Takes": str(sum(part.attempts for part in speech.finished.parts)),
        "X-Warnings": json.dumps(speech.finished.warnings),
        "Server-Timing": timings,
    }
