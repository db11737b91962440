"""What may go wrong for a caller, as types. The ingress turns each into OpenAI's error envelope."""

from typing import ClassVar


class ServiceError(Exception):
    """An error whose message is meant for the caller: what was wrong, with what, and what to do.

    Args:
        message: One or two sentences, with nothing in them that the caller may not know.
        param: The request field at fault, where there is one.
        retry_after_s: Seconds after which trying again makes sense, where it does.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, param: str | None = None, retry_after_s: int | None = None) -> None:
        # All three in args: exceptions cross processes by being rebuilt from them.
        super().__init__(message, param, retry_after_s)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message


class InvalidInput(ServiceError):
    """The request is malformed, or holds something that cannot be used."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_input"


class InvalidAudio(InvalidInput):
    """The clip cannot be read, or is too short, too long or silent."""

    code = "invalid_audio"


class InvalidText(InvalidInput):
    """The text is empty, too long, or holds nothing that can be spoken."""

    code = "invalid_text"


class UnprocessableInput(ServiceError):
    """A field has the wrong type or lies outside its range."""

    status = 422
    type = "invalid_request_error"
    code = "validation_error"


class InputTooLarge(ServiceError):
    """The request body is larger than the service takes."""

    status = 413
    type = "invalid_request_error"
    code = "input_too_large"


class NotFound(ServiceError):
    """There is no such route or object."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class Unauthorized(ServiceError):
    """The service asks for a key, and none of its own came."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Conflict(ServiceError):
    """What is to be made exists already."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class Overloaded(ServiceError):
    """More requests wait than the service lets wait."""

    status = 429
    type = "rate_limit_error"
    code = "overloaded"


class TimedOut(ServiceError):
    """The request was not answered within the time that one may take."""

    status = 408
    type = "server_error"
    code = "timeout"


class Unavailable(ServiceError):
    """A model cannot serve now: it is not up, its checkpoint is missing, or its engine has died."""

    status = 503
    type = "server_error"
    code = "unavailable"


class ReplicaLost(Unavailable):
    """The process that held the model died at work. Another one takes its place: trying again makes sense."""


class GenerationFailed(ServiceError):
    """The models ran but made nothing that can be given out."""

    # Of what was asked for, not of the service: sent again as it is, it fails again, and clients retry a 5xx.
    status = 422
    type = "invalid_request_error"
    code = "generation_failed"
