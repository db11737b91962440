"""Rebuilds the service's errors from its responses."""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from deployments.errors import (
    Conflict,
    GenerationFailed,
    InputTooLarge,
    InvalidAudio,
    InvalidInput,
    InvalidText,
    NotFound,
    Overloaded,
    ServiceError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnprocessableInput,
)


def failure_of(answer: httpx2.Response, body: bytes) -> ServiceError:
    """Returns the error of a response."""
    try:
        return error_of(json.loads(body), answer.status_code)
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"The service answered with status {answer.status_code} and an unreadable body.")


def error_of(data: dict[str, Any], status: int = 500) -> ServiceError:
    """Rebuilds the service's error, as its own type if there is one."""
    error = data["error"]
    kind = _KINDS.get(error["code"], InvalidInput if 400 <= status < 500 else ServiceError)
    return kind(error["message"], error["param"])


_KINDS: Final[Mapping[str, type[ServiceError]]] = {
    kind.code: kind
    for kind in (
        InvalidInput,
        InvalidAudio,
        InvalidText,
        UnprocessableInput,
        InputTooLarge,
        NotFound,
        Unauthorized,
        Conflict,
        Overloaded,
        TimedOut,
        Unavailable,
        GenerationFailed,
    )
}
