"""The transcript of a file, as every interface of the service returns it."""

import re
from typing import Literal, Self

from pydantic import BaseModel, Field

from deployments.audio.subtitles import srt, vtt
from deployments.synthesis.captions import cues
from deployments.whisper.protocol import Segment, Transcript

TextFormat = Literal["text", "srt", "vtt"]
"""A transcript as a file for people."""


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
    """The transcript of a clip."""

    text: str = Field(examples=["Good morning."])
    language: str = Field(examples=["en"])
    language_probability: float
    duration: float = Field(description="Seconds.")
    segments: list[TranscribedSegment]
    warnings: list[str] = Field(description="Problems of the file, like `X-Warnings`.")

    @classmethod
    def of(cls, transcript: Transcript) -> Self:
        """Returns the response for a transcript."""
        return cls(
            text=transcript.text,
            language=transcript.language,
            language_probability=transcript.language_probability,
            duration=transcript.duration,
            segments=[_segment(segment) for segment in transcript.segments],
            warnings=list(transcript.warnings),
        )


def written(transcript: Transcript, format: TextFormat) -> str:
    """Returns a transcript as a text, or as subtitles, which are split between words where it has them."""
    if format == "text":
        return transcript.text + "\n"
    lines = cues(transcript.segments, transcript.duration)
    return srt(lines) if format == "srt" else vtt(lines)


def _segment(segment: Segment) -> TranscribedSegment:
    words = [TranscribedWord(word=re.sub(r"\s+", "", w.text), start=w.start, end=w.end) for w in segment.words]
    return TranscribedSegment(text=segment.text, start=segment.start, end=segment.end, words=words)
