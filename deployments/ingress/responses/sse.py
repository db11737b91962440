"""Server-sent events, as OpenAI's clients read them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from deployments.errors import ServiceError

SPEECH_ERROR: Final = "speech.audio.error"
ERROR_EVENTS: Final[Mapping[str, str]] = {"/v1/audio/speech": SPEECH_ERROR, "/v1/audio/transcriptions": "error"}
"""The event that ends a failed stream, by path."""


def event(kind: str, data: Mapping[str, Any]) -> bytes:
    """Formats one event. Its type is in its data, too: OpenAI's clients look there."""
    text = json.dumps({"type": kind, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {text}\n\n".encode()


def error_event(error: ServiceError, kind: str = "error") -> bytes:
    """Formats the event that ends a failed stream. OpenAI's SDK raises at any event with an `error` in it."""
    envelope = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return event(kind, {"error": envelope})
