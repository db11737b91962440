"""A transcript in the formats of OpenAI's API, complete or as it is written."""

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, Literal

from fastapi import Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Send

from deployments.errors import ServiceError
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES
from deployments.ingress.responses.speech import warning_headers
from deployments.ingress.responses.sse import error_event, event
from deployments.service.bodies import ignored_header
from deployments.service.languages import LANGUAGES
from deployments.service.transcription import written
from deployments.whisper.protocol import IgnoredOption, Segment, Task, Transcript, TranscriptFormat

Granularities = list[Literal["word", "segment"]]
_TEXTS: Final = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}
_FRAMES_A_SECOND: Final = 50
"""Frame rate of Whisper's encoder; the frames count as input tokens."""


class DurationUsage(BaseModel):
    """The unit that a transcription is billed in."""

    type: Literal["duration"] = "duration"
    seconds: float


class PlainTranscription(BaseModel):
    """`json`."""

    text: str
    usage: DurationUsage


class VerboseWord(BaseModel):
    """A word with its times in seconds."""

    word: str
    start: float
    end: float


class VerboseSegment(BaseModel):
    """A stretch of speech with its times in seconds, and Whisper's confidence."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class VerboseTranscription(BaseModel):
    """`verbose_json`."""

    task: Task
    language: str = Field(description="English name, as OpenAI's.")
    duration: float = Field(description="Seconds.")
    text: str
    segments: list[VerboseSegment] | None = None
    words: list[VerboseWord] | None = None
    usage: DurationUsage


_IGNORED: Final[dict[IgnoredOption, str]] = {
    "prompt": "The Whisper checkpoint does not take a prompt: it was ignored.",
    "task": "The Whisper checkpoint knows only English: the clip was transcribed, not translated.",
}
TRANSCRIPTS: Final[dict[int | str, dict[str, Any]]] = RESPONSES | {
    404: FAILURES[404],
    200: {
        "description": "The transcript, in the requested format.",
        "model": PlainTranscription | VerboseTranscription,
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "text/vtt": {"schema": {"type": "string"}},
            "application/x-subrip": {"schema": {"type": "string"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
        "headers": {
            "X-Ignored": {"schema": {"type": "string"}, "description": "Fields that had no effect."},
            "X-Warnings": {"schema": {"type": "string"}, "description": "A JSON list of sentences."},
        },
    },
}


def transcript_response(
    transcript: Transcript, format: TranscriptFormat, task: Task, granularities: Granularities, ignored: list[str]
) -> Response:
    """Returns a transcript in a format, with the request's fields that had no effect in a header."""
    answer = _answer(transcript, format, task, granularities)
    answer.headers.update(_headers(ignored, transcript))
    return answer


def _headers(ignored: list[str], transcript: Transcript) -> dict[str, str]:
    return ignored_header(_ignored_fields(ignored, transcript)) | warning_headers(_warnings(transcript))


def _warnings(transcript: Transcript) -> list[str]:
    return [*transcript.warnings, *(_IGNORED[option] for option in transcript.ignored)]


def _ignored_fields(ignored: list[str], transcript: Transcript) -> list[str]:
    """Returns the request's fields that had no effect; the task is not a field, but the route."""
    return [*ignored, *(option for option in transcript.ignored if option != "task")]


def _answer(transcript: Transcript, format: TranscriptFormat, task: Task, granularities: Granularities) -> Response:
    usage = DurationUsage(seconds=math.ceil(transcript.duration))
    match format:
        case "text" | "srt" | "vtt":
            return PlainTextResponse(written(transcript, format), media_type=_TEXTS[format])
        case "json":
            return JSONResponse(PlainTranscription(text=transcript.text, usage=usage).model_dump())
    segments = [_segment(number, segment) for number, segment in enumerate(transcript.segments)]
    words = [
        VerboseWord(word=word.text, start=word.start, end=word.end)
        for segment in transcript.segments
        for word in segment.words
    ]
    verbose = VerboseTranscription(
        task=task,
        language=LANGUAGES.get(transcript.language, transcript.language),
        duration=transcript.duration,
        text=transcript.text,
        segments=segments if "segment" in granularities or not granularities else None,
        words=words if "word" in granularities else None,
        usage=usage,
    )
    return JSONResponse(verbose.model_dump(exclude_none=True))


def _segment(number: int, segment: Segment) -> VerboseSegment:
    return VerboseSegment(
        id=number,
        seek=0,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        tokens=list(segment.tokens),
        temperature=segment.temperature,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
    )


class StreamedTranscript(StreamingResponse):
    """Sends the text in events as it is transcribed. The joined deltas equal the text of the last event."""

    def __init__(
        self, first: Segment | Transcript, rest: AsyncGenerator[Segment | Transcript, None], ignored: list[str]
    ) -> None:
        headers = _headers(ignored, first) if isinstance(first, Transcript) else ignored_header(ignored)
        super().__init__((), media_type="text/event-stream", headers=headers)
        self._first = first
        self._rest = rest
        self._ignored = ignored

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        last = b""
        written = ""
        try:
            async with aclosing(self._rest):
                piece: Segment | Transcript | None = self._first
                while piece is not None:
                    if isinstance(piece, Transcript):
                        last = event("transcript.text.done", _done(self._ignored, piece))
                    elif piece.text:
                        delta = f" {piece.text}" if written else piece.text
                        written += delta
                        data = event("transcript.text.delta", {"delta": delta})
                        await send({"type": "http.response.body", "body": data, "more_body": True})
                    piece = await anext(self._rest, None)
        except ServiceError as error:
            last = error_event(error)
        await send({"type": "http.response.body", "body": last, "more_body": False})


def _done(ignored: list[str], transcript: Transcript) -> dict[str, Any]:
    done = {"text": transcript.text, "usage": _tokens(transcript)}
    if fields := _ignored_fields(ignored, transcript):
        done["ignored"] = fields
    if warnings := _warnings(transcript):
        done["warnings"] = warnings
    return done


def _tokens(transcript: Transcript) -> dict[str, Any]:
    heard = math.ceil(transcript.duration * _FRAMES_A_SECOND)
    written = sum(len(segment.tokens) for segment in transcript.segments)
    return {"type": "tokens", "input_tokens": heard, "output_tokens": written, "total_tokens": heard + written}
