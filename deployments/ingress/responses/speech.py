"""Speech responses: whole, streamed, or as events."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Final, Literal

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from deployments.audio.encoder import rate_of
from deployments.errors import ServiceError
from deployments.ingress.responses.details import details, summary, with_details
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES, reason_of
from deployments.ingress.responses.playback import Playback
from deployments.ingress.responses.sse import error_event, event
from deployments.service.delivery import AudioChunk, OutputOptions, pieces, whole
from deployments.service.retry import await_first_item, stream_with_retries, with_retries
from deployments.service.service import Service
from deployments.synthesis.events import Audio, Event, Progress
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.synthesis.usage import Usage

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
FAILED: Final = RESPONSES | {
    422: FAILURES[422]
    | {"description": f"{FAILURES[422]['description']} Or, as `generation_failed`: no take is good, or all are silent."}
}
"""Documented error responses."""
_WIDEST: Final = 2000
"""Maximum characters of a header; many proxies accept 4 KB for all of them."""


async def speak(
    service: Service,
    http: Request,
    request: SpeechRequest,
    delivery: OutputOptions,
    manner: ResponseMode,
    headers: Mapping[str, str],
) -> Response:
    """Speaks a request and responds with the speech.

    If a replica dies before any of it was sent, the work is repeated. A later failure aborts the response, or ends its
    events with an error event.
    """
    usage = Usage()
    playback = Playback(service.metrics, http.scope["state"]["arrived"])
    deadline: asyncio.Timeout = http.scope["state"]["deadline"]

    def stream() -> AsyncGenerator[Event, None]:
        return service.synthesizer.stream(request, usage)

    async def at_once() -> AudioChunk:
        return await whole(*await await_first_item(stream, _is_audio), delivery)

    headers = {**headers, "X-Sample-Rate": str(rate_of(delivery.format, delivery.rate))}
    try:
        if manner == "whole":
            piece = await with_retries(at_once)
            if delivery.details:
                return _Whole(with_details(piece, delivery), playback, "application/json", headers)
            return _Whole(piece, playback, delivery.media_type, headers)
        first, events = await await_first_item(
            lambda: stream_with_retries(stream, _is_audio), _is_any if manner == "progress" else _is_audio
        )
    except BaseException as error:
        playback.failed(reason_of(error, deadline))
        raise
    headers["X-Seed"] = str(request.sampling.seed)
    media_type = delivery.media_type if manner == "audio" else "text/event-stream"
    return _Streamed(first, events, delivery, playback, deadline, manner, usage, media_type, headers)


def _is_audio(event: Event) -> bool:
    return isinstance(event, Audio)


def _is_any(event: Event) -> bool:
    return True


class _Whole(Response):
    def __init__(self, piece: AudioChunk, playback: Playback, media_type: str, headers: Mapping[str, str]) -> None:
        assert piece.finished  # noqa: S101 - as of any last piece
        self._playback = playback
        self._seconds = piece.seconds
        self._finish = piece.finished.finish
        super().__init__(piece.data, media_type=media_type, headers={**headers, **_result_headers(piece)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        self._playback.sent(self._seconds)
        self._playback.ended(self._finish)


class _Streamed(StreamingResponse):
    def __init__(
        self,
        first: Event,
        events: AsyncGenerator[Event, None],
        delivery: OutputOptions,
        playback: Playback,
        deadline: asyncio.Timeout,
        manner: ResponseMode,
        usage: Usage,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__((), media_type=media_type, headers=headers)
        self._first = first
        self._events = events
        self._delivery = delivery
        self._playback = playback
        self._deadline = deadline
        self._manner = manner
        self._usage = usage
        self._seconds = 0.0

    async def stream_response(self, send: Send) -> None:
        last = b""
        try:
            # If the client disconnects before the file begins, the stream that has begun must be closed, too.
            async with aclosing(self._events), aclosing(pieces(self._first, self._events, self._delivery)) as file:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async for piece in file:
                    if isinstance(piece, Progress):
                        if self._manner == "progress":
                            data = event("speech.progress", asdict(piece))
                            await send({"type": "http.response.body", "body": data, "more_body": True})
                        continue
                    self._seconds += piece.seconds
                    data = piece.data if self._manner == "audio" else self._event(piece)
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                    self._playback.sent(piece.seconds)
                    if piece.finished:
                        self._playback.ended(piece.finished.finish)
                        for warning in piece.finished.warnings:
                            logger.warning("A streamed speech has a flaw: %s", warning)
        except BaseException as error:
            self._playback.failed(reason_of(error, self._deadline))
            if self._manner == "audio" or not isinstance(error, Exception):
                raise
            last = error_event(_for_caller(error), "speech.audio.error")
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _event(self, piece: AudioChunk) -> bytes:
        """Formats an event like OpenAI. An output token is a code, 50 of which are a second."""
        data = b""
        if piece.data:
            data = event("speech.audio.delta", {"audio": base64.b64encode(piece.data).decode()})
        if finished := piece.finished:
            usage = {
                "input_tokens": self._usage.prompt_tokens,
                "output_tokens": self._usage.codes,
                "total_tokens": self._usage.prompt_tokens + self._usage.codes,
            }
            result = (
                details(finished, self._delivery, self._seconds)
                if self._delivery.details
                else summary(finished, self._seconds)
            )
            copy = {"output": piece.copy} if piece.copy else {}
            data += event("speech.audio.done", {"usage": usage, **result, **copy})
        return data


def _for_caller(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    logger.error("Speech broke off", exc_info=error)
    return ServiceError("Something went wrong here; the service's log has it.")


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


def _result_headers(piece: AudioChunk) -> dict[str, str]:
    finished = piece.finished
    assert finished  # noqa: S101 - as of any last piece
    stages = [f"{stage};dur={1000 * spent:.1f}" for stage, spent in finished.timings.items()]
    headers = {
        "X-Word-Error": "" if finished.error is None else f"{finished.error:.3f}",
        "X-Seed": str(finished.seed),
        "X-Audio-Duration": f"{piece.seconds:.3f}",
        "X-Finish-Reason": finished.finish,
        "Server-Timing": ", ".join(stages),
        "X-Parts": str(len(finished.parts) or ""),
        "X-Takes": str(sum(part.attempts for part in finished.parts) or ""),
        "X-Output": piece.copy or "",
        **warning_headers(finished.warnings),
    }
    return {name: value for name, value in headers.items() if value}
