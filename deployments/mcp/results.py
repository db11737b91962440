"""Structured results of the tools."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from deployments.jobs.outline import Outline
from deployments.jobs.protocol import Job
from deployments.residency.protocol import GpuStatus, ModelStatus
from deployments.service.transcription import TranscribedWord
from deployments.voices.store import Voice


class SpeechToolResult(BaseModel):
    """Generated speech."""

    sample_rate: int = Field(description="Hz")
    duration_seconds: float
    format: str
    finish_reason: str = Field(description="`stop`: spoken to its end; anything else: not")
    seed: int = Field(description="reproduces the speech")
    warnings: list[str]
    output_path: str | None = Field(description="the file that was written, if requested")
    output_uri: str | None = Field(description="the resource with a copy, if the service stores copies")
    details: dict[str, Any] | None = Field(description="parts, captions and word times, if requested")


class TranscriptionResult(BaseModel):
    """The transcript of a clip."""

    text: str
    language: str
    duration_seconds: float
    words: list[TranscribedWord]
    warnings: list[str] = Field(description="problems of the file")


class GpuResult(BaseModel):
    """Where the models are loaded, and the GPUs."""

    models: dict[str, ModelStatus]
    gpus: list[GpuStatus]


class VoiceResult(BaseModel):
    """A voice."""

    id: str
    name: str
    ref_text: str = Field(description="transcript of its reference")
    duration_seconds: float = Field(description="of its reference")
    warnings: list[str] = Field(description="possible problems of its reference")

    @classmethod
    def of(cls, voice: Voice) -> Self:
        """Returns the result for a voice."""
        return cls(
            id=voice.id,
            name=voice.name,
            ref_text=voice.ref_text,
            duration_seconds=voice.duration,
            warnings=list(voice.warnings),
        )


class VoicesResult(BaseModel):
    """All voices."""

    voices: list[VoiceResult]

    @classmethod
    def of(cls, voices: Sequence[Voice]) -> Self:
        """Returns the result for voices."""
        return cls(voices=[VoiceResult.of(voice) for voice in voices])


class DeletedResult(BaseModel):
    """A deleted voice."""

    id: str
    deleted: Literal[True] = True


class JobResult(BaseModel):
    """A job."""

    job: Job


class JobsResult(BaseModel):
    """Jobs of a client."""

    jobs: list[Job]


class OutlineResult(BaseModel):
    """What a document would be as a job."""

    outline: Outline


class TranscriptResult(BaseModel):
    """The transcript of a recording."""

    transcript: str


class JobFileResult(BaseModel):
    """A file of a job."""

    output_path: str = Field(description="the file that was written")
    bytes: int
