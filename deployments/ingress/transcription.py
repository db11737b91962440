"""POST /api/transcribe: what a clip says."""

import re
from typing import IO, Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.ingress.clip_fields import ClipFields, ClipUrl
from deployments.ingress.failures import RESPONSES
from deployments.ingress.service import Service
from deployments.ingress.speaking import warning_headers
from deployments.whisper.protocol import Segment


class TranscriptionForm(BaseModel):
    """The fields of a request."""

    model_config = ConfigDict(extra="forbid")

    audio: Annotated[UploadFile | SkipJsonSchema[None], File(description="Any audio that FFmpeg reads.")] = None
    audio_url: ClipUrl = None
    language: Annotated[
        str | None,
        Field(description="ISO 639-1 code. If empty or missing, Whisper detects the language.", examples=["en"]),
    ] = None
    word_timestamps: Annotated[bool, Field(description="Also return the times of each word.")] = False


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
    warnings: list[str] = Field(description="What is wrong with the file, as `X-Warnings` says, too.")


def transcription_routes(service: Service) -> APIRouter:
    """The route, on a service."""
    clips = ClipFields(service.settings)
    router = APIRouter(tags=["speech"])

    @router.post("/api/transcribe", summary="Transcribe a recording", responses=RESPONSES)
    async def transcribe(
        form: Annotated[TranscriptionForm, Form(media_type="multipart/form-data")], response: Response
    ) -> Transcription:
        file, param = await clips.read(form.audio, form.audio_url, "audio")
        found = await written_down(service, file, param, form.language or None, words=form.word_timestamps)
        response.headers.update(warning_headers(found.warnings))
        return found

    return router


async def written_down(
    service: Service, file: IO[bytes] | bytes, param: str, language: str | None, *, words: bool
) -> Transcription:
    """What a file says; `param` names the request's field, for errors."""
    transcript = await service.listener.transcribe(file, param, language=language, word_timestamps=words)
    return Transcription(
        text=transcript.text,
        language=transcript.language,
        language_probability=transcript.language_probability,
        duration=transcript.duration,
        segments=[_segment(segment) for segment in transcript.segments],
        warnings=list(transcript.warnings),
    )


def _segment(segment: Segment) -> TranscribedSegment:
    words = [TranscribedWord(word=re.sub(r"\s+", "", w.text), start=w.start, end=w.end) for w in segment.words]
    return TranscribedSegment(text=segment.text, start=segment.start, end=segment.end, words=words)
