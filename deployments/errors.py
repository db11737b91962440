"""Errors that callers see. The ingress sends each in the error envelope of OpenAI's API."""

from typing import ClassVar


class ServiceError(Exception):
    """An error whose message is meant for the caller: what is wrong, and what to do.

    Args:
        message: One or two sentences; must not reveal anything that the caller may not know.
        param: The request field at fault, if any.
        retry_after_s: Seconds after which to retry, if that makes sense.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, param: str | None = None, retry_after_s: int | None = None) -> None:
        # All three in args: exceptions are rebuilt from them in other processes.
        super().__init__(message, param, retry_after_s)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message


class InvalidInput(ServiceError):
    """The request is malformed or contains an unusable value."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_input"


class InvalidAudio(InvalidInput):
    """The clip is unreadable, too short, too long or silent."""

    code = "invalid_audio"


class InvalidText(InvalidInput):
    """The text is empty, too long, or has nothing to speak."""

    code = "invalid_text"


class UnprocessableInput(ServiceError):
    """A field has the wrong type or is out of range."""

    status = 422
    type = "invalid_request_error"
    code = "validation_error"


class InputTooLarge(ServiceError):
    """The request body is too large."""

    status = 413
    type = "invalid_request_error"
    code = "input_too_large"


class NotFound(ServiceError):
    """The route or object does not exist."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class Unauthorized(ServiceError):
    """The API key is missing or invalid."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Conflict(ServiceError):
    """The object exists already, or its state does not allow this."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class Overloaded(ServiceError):
    """Too many requests are waiting."""

    status = 429
    type = "rate_limit_error"
    code = "overloaded"


class TimedOut(ServiceError):
    """The request exceeded its time limit."""

    status = 408
    type = "server_error"
    code = "timeout"


class Unavailable(ServiceError):
    """A model cannot serve now: it is not loaded, its checkpoint is missing, or its engine has failed."""

    status = 503
    type = "server_error"
    code = "unavailable"


class ReplicaLost(Unavailable):
    """The replica that ran the model died. Another one replaces it, so the request can be repeated."""


class GenerationFailed(ServiceError):
    """The models ran, but no take is usable."""

    # The fault of the request, not of the service: an identical request fails again, and clients retry a 5xx.
    status = 422
    type = "invalid_request_error"
    code = "generation_failed"
