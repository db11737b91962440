"""POST /api/transcribe: what a clip says."""

import re
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.ingress.clip_fields import ClipFields, ClipUrl
from deployments.ingress.failures import RESPONSES
from deployments.ingress.retry import with_retries
from deployments.ingress.service import Service
from deployments.speech.clip import ClipLimits
from deployments.whisper.protocol import Segment, Transcript
from deployments.xcodec2.protocol import Waveform


class TranscriptionForm(BaseModel):
    """The fields of a request."""

    model_config = ConfigDict(extra="forbid")

    audio: Annotated[UploadFile | SkipJsonSchema[None], File(description="Any audio that FFmpeg reads.")] = None
    audio_url: ClipUrl = None
    language: Annotated[
        str | None, Field(description="ISO 639-1; empty or missing: Whisper finds out.", examples=["en"])
    ] = None
    word_timestamps: Annotated[bool, Field(description="Gives each word's times, too.")] = False


class TranscribedWord(BaseModel):
    """A word with its times in seconds."""

    word: str
    start: float
    end: float


class TranscribedSegment(BaseModel):
    """A stretch of speech with its times in seconds."""

    text: str
    start: float
    end: float
    words: list[TranscribedWord]


class Transcription(BaseModel):
    """What a clip says."""

    text: str = Field(examples=["Good morning."])
    language: str = Field(examples=["en"])
    language_probability: float
    duration: float = Field(description="Seconds.")
    segments: list[TranscribedSegment]


def transcription_routes(service: Service) -> APIRouter:
    """The route, on a service."""
    settings = service.settings
    limits = ClipLimits(settings.min_audio_duration, settings.max_transcription_duration)
    clips = ClipFields(settings)
    router = APIRouter(tags=["speech"])

    @router.post("/api/transcribe", summary="Write down what a clip says", responses=RESPONSES)
    async def transcribe(
        form: Annotated[TranscriptionForm, Form(media_type="multipart/form-data")],
    ) -> Transcription:
        wav = await clips.read(form.audio, form.audio_url, limits, "audio")
        return await written_down(service, wav, form.language or None, words=form.word_timestamps)

    return router


async def written_down(service: Service, wav: Waveform, language: str | None, *, words: bool) -> Transcription:
    """What [samples] at 16 kHz say. Whisper is asked again if its replica dies meanwhile."""

    async def heard() -> Transcript:
        async with service.residency.held(["Whisper"]):
            return await service.transcriber.transcribe(wav, language=language, word_timestamps=words)

    transcript = await with_retries(heard)
    return Transcription(
        text=transcript.text,
        language=transcript.language,
        language_probability=transcript.language_probability,
        duration=transcript.duration,
        segments=[_segment(segment) for segment in transcript.segments],
    )


def _segment(segment: Segment) -> TranscribedSegment:
    words = [TranscribedWord(word=re.sub(r"\s+", "", w.text), start=w.start, end=w.end) for w in segment.words]
    return TranscribedSegment(text=segment.text, start=segment.start, end=segment.end, words=words)
