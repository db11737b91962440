"""Speech responses: whole, streamed, or as events."""

import base64
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Final, Literal

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Send

from deployments.audio.encoder import MEDIA_TYPES, rate_of
from deployments.errors import ServiceError
from deployments.ingress.responses.audio_file import AUDIO_CONTENT
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES
from deployments.ingress.responses.sse import SPEECH_ERROR, error_event, event
from deployments.service.delivery import SpeechChunk, SpeechResult
from deployments.service.details import summary
from deployments.service.parameters import SpeechParams
from deployments.service.retry import await_first_item

logger = logging.getLogger(__name__)

ResponseMode = Literal["whole", "audio", "sse", "progress"]
"""`progress`: like `sse`, but begins with the first event about a stage."""

HEADERS: Final = {
    "X-Sample-Rate": "Sample rate in Hz.",
    "X-Seed": "Seed that reproduces this speech.",
    "X-Audio-Duration": "Duration in seconds. This header and those below are sent only if the speech is not streamed.",
    "X-Finish-Reason": "`stop`: complete. `length`: cut at the longest duration for the text. `loop`: stopped because "
    "it repeated itself. `error`: stopped because it fell silent.",
    "X-Parts": "Number of parts into which the text was split.",
    "X-Takes": "Number of takes generated, including retries of takes with a flaw.",
    "Server-Timing": "Milliseconds spent in each stage: wake, transcribe, encode, generate, decode.",
    "X-Word-Error": "Word error rate by Whisper, if the speech was verified.",
    "X-Warnings": "JSON list of warnings about the speech.",
    "X-Output": "Name of the stored copy: `GET /api/outputs/{name}` returns it.",
}
SPEECH: Final[dict[str, Any]] = {
    "description": "The speech, or with `details` JSON with the speech.",
    "content": AUDIO_CONTENT | {"application/json": {"schema": {"type": "object"}}},
    "headers": {
        name: {"schema": {"type": "string"}, "description": text}
        for name, text in {**HEADERS, "X-Ignored": "Fields that had no effect."}.items()
    },
}
"""Documented response with speech."""
FAILED: Final = RESPONSES | {
    422: FAILURES[422]
    | {"description": f"{FAILURES[422]['description']} Or, as `generation_failed`: no take is good, or all are silent."}
}
"""Documented error responses."""
_WIDEST: Final = 2000
"""Maximum characters of a header; many proxies accept 4 KB for all of them."""


async def speech_response(
    chunks: AsyncGenerator[SpeechChunk, None], params: SpeechParams, mode: ResponseMode, headers: Mapping[str, str]
) -> Response:
    """Returns a response with the speech, once its status is known.

    Args:
        chunks: The speech; closed at the end.
        params: What is spoken, with its defaults.
        mode: How to send it.
        headers: More headers.

    Raises:
        ServiceError: the speech failed before the response began. A later failure aborts the response, or ends its
            events with an error event.
    """
    first, rest = await await_first_item(chunks, lambda chunk: _begins(chunk, mode))
    assert params.sample_rate  # noqa: S101 - it has its defaults
    rate = rate_of(params.response_format, params.sample_rate)
    headers = {**headers, "X-Sample-Rate": str(rate), "X-Seed": str(params.seed)}
    if mode in ("sse", "progress"):
        return _Events(first, rest, headers, details=params.details, progress=mode == "progress")
    if first.result and mode == "whole":
        headers |= _result_headers(first.result)
        if params.details:
            audio = base64.b64encode(first.data).decode()
            first = SpeechChunk(json.dumps({"audio": audio, **(first.result.details or {})}).encode(), first.seconds)
            return AudioResponse(first, rest, headers | {"Content-Length": str(len(first.data))}, "application/json")
        headers |= {"Content-Length": str(len(first.data))}
    return AudioResponse(first, rest, headers, MEDIA_TYPES[params.response_format])


def _begins(chunk: SpeechChunk, mode: ResponseMode) -> bool:
    if mode == "progress":
        return True
    return bool(chunk.result) if mode == "whole" else bool(chunk.data or chunk.result)


class AudioResponse(StreamingResponse):
    """Sends the bytes of the file as they are made.

    Args:
        first: The first chunk to send.
        rest: The others; closed at the end.
        headers: Headers.
        media_type: Media type.
    """

    def __init__(
        self,
        first: SpeechChunk,
        rest: AsyncGenerator[SpeechChunk, None],
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__((), media_type=media_type, headers=headers)
        self._first: SpeechChunk | None = first
        self._rest = rest

    async def stream_response(self, send: Send) -> None:
        # If the client disconnects before the file begins, the speech that has begun must be closed, too.
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            chunk = self._first
            while chunk:
                await send({"type": "http.response.body", "body": self.encode(chunk), "more_body": True})
                chunk = await anext(self._rest, None)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def encode(self, chunk: SpeechChunk) -> bytes:
        """Returns the bytes to send for a chunk."""
        return chunk.data


class _Events(AudioResponse):
    """Sends events like OpenAI's, and an error event if the speech fails."""

    def __init__(
        self,
        first: SpeechChunk,
        rest: AsyncGenerator[SpeechChunk, None],
        headers: Mapping[str, str],
        *,
        details: bool,
        progress: bool,
    ) -> None:
        super().__init__(first, rest, headers, "text/event-stream")
        self._details = details
        self._progress = progress

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except Exception as error:  # noqa: BLE001 - the stream ends with it
            data = error_event(_for_caller(error), SPEECH_ERROR)
            await send({"type": "http.response.body", "body": data, "more_body": False})

    def encode(self, chunk: SpeechChunk) -> bytes:
        data = b""
        if chunk.progress and self._progress:
            data += event("speech.progress", asdict(chunk.progress))
        if chunk.data:
            data += event("speech.audio.delta", {"audio": base64.b64encode(chunk.data).decode()})
        if chunk.result:
            data += event("speech.audio.done", _done(chunk.result))
        return data


def _done(result: SpeechResult) -> dict[str, Any]:
    """Returns the last event. An output token is a code, 50 of which are a second."""
    usage = {
        "input_tokens": result.usage.prompt_tokens,
        "output_tokens": result.usage.codes,
        "total_tokens": result.usage.prompt_tokens + result.usage.codes,
    }
    found = result.details or summary(result.finished, result.duration)
    return {"usage": usage, **found, **({"output": result.output} if result.output else {})}


def _for_caller(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    logger.error("Speech broke off", exc_info=error)
    return ServiceError("An internal error occurred. See the service's log.")


def warning_headers(warnings: Sequence[str]) -> dict[str, str]:
    """Returns `X-Warnings`, if there are any."""
    return {"X-Warnings": warnings_header(warnings)} if warnings else {}


def warnings_header(warnings: Sequence[str]) -> str:
    """JSON, truncated to a safe header length."""
    for count in range(len(warnings), 0, -1):
        left = len(warnings) - count
        header = json.dumps([*warnings[:count], *([f"And {left} more."] if left else [])])
        if len(header) <= _WIDEST:
            return header
    return json.dumps([f"There are {len(warnings)}; `details` has them."]) if warnings else "[]"


def _result_headers(result: SpeechResult) -> dict[str, str]:
    finished = result.finished
    stages = [f"{stage};dur={1000 * spent:.1f}" for stage, spent in finished.timings.items()]
    headers = {
        "X-Word-Error": "" if finished.error is None else f"{finished.error:.3f}",
        "X-Seed": str(finished.seed),
        "X-Audio-Duration": f"{result.duration:.3f}",
        "X-Finish-Reason": finished.finish,
        "Server-Timing": ", ".join(stages),
        "X-Parts": str(len(finished.parts) or ""),
        "X-Takes": str(sum(part.attempts for part in finished.parts) or ""),
        "X-Output": result.output or "",
        **warning_headers(finished.warnings),
    }
    return {name: value for name, value in headers.items() if value}
