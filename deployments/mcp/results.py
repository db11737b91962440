"""What the tools return, as structured content."""

from typing import Literal

from pydantic import BaseModel, Field

from deployments.gpu.protocol import GpuStatus, ModelStatus


class SpeechResult(BaseModel):
    """Speech that was made."""

    sample_rate: int = Field(description="Hz")
    duration_seconds: float
    format: str
    finish_reason: str = Field(description="`stop`: said to its end; anything else: not")
    seed: int = Field(description="gives the same speech again")
    warnings: list[str]
    output_path: str | None = Field(description="the file that was written, where one was asked for")


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


class VoicesResult(BaseModel):
    """All voices."""

    voices: list[VoiceResult]


class DeletedResult(BaseModel):
    """A voice that is gone."""

    id: str
    deleted: Literal[True] = True
