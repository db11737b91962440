"""What the tools return, as structured content."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from deployments.gpu.protocol import GpuStatus, ModelStatus
from deployments.speech.voice_store import Voice


class SpeechResult(BaseModel):
    """Speech that was made."""

    sample_rate: int = Field(description="Hz")
    duration_seconds: float
    format: str
    finish_reason: str = Field(description="`stop`: said to its end; anything else: not")
    seed: int = Field(description="gives the same speech again")
    warnings: list[str]
    output_path: str | None = Field(description="the file that was written, where one was asked for")
    output_uri: str | None = Field(description="the resource that holds a copy, where the service keeps copies")


class WordResult(BaseModel):
    """A word with its times in seconds."""

    word: str
    start: float
    end: float


class TranscriptionResult(BaseModel):
    """What a clip says."""

    text: str
    language: str
    duration_seconds: float
    words: list[WordResult]
    warnings: list[str] = Field(description="what is wrong with the file")


class GpuResult(BaseModel):
    """Where the models are, and the GPUs."""

    models: dict[str, ModelStatus]
    gpus: list[GpuStatus]


class VoiceResult(BaseModel):
    """A voice."""

    id: str
    name: str
    ref_text: str = Field(description="what its reference says")
    duration_seconds: float = Field(description="of its reference")
    warnings: list[str] = Field(description="what may be wrong with its reference")

    @classmethod
    def of(cls, voice: Voice) -> Self:
        """That of a voice."""
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
        """That of voices."""
        return cls(voices=[VoiceResult.of(voice) for voice in voices])


class DeletedResult(BaseModel):
    """A voice that is gone."""

    id: str
    deleted: Literal[True] = True
