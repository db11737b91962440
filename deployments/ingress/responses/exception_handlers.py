"""Exception handlers: every failure becomes OpenAI's error envelope."""

import errno
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from deployments.errors import InputTooLarge, ServiceError, Unavailable, UnprocessableInput
from deployments.service.bodies import suggestion, wire_names

logger = logging.getLogger(__name__)


class Failure(BaseModel):
    """The error."""

    message: str
    type: str
    param: str | None
    code: str | None


class FailureEnvelope(BaseModel):
    """The body of every error response."""

    error: Failure


FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": FailureEnvelope, "description": description}
    for status, description in {
        400: "The clip or the text cannot be used.",
        401: "Missing or invalid API key.",
        404: "The named object does not exist.",
        408: "The request took longer than REQUEST_TIMEOUT.",
        409: "The object exists already, or its state does not allow this.",
        413: "The request is larger than MAX_UPLOAD_MB.",
        422: "A field is missing, unknown, of the wrong type or out of its range.",
        429: "Too many requests are waiting.",
        503: "A model cannot serve now.",
    }.items()
}
"""Every error response, for the documentation."""


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the error responses with these statuses, for the documentation."""
    return {status: FAILURES[status] for status in statuses}


RESPONSES = {status: FAILURES[status] for status in FAILURES if status not in (404, 409)}
"""Error responses of any request for work."""


def install(application: FastAPI) -> None:
    """Installs the handlers: all failures are answered in the envelope."""
    application.exception_handler(ServiceError)(_service_error)
    application.exception_handler(RequestValidationError)(_validation_error)
    application.exception_handler(HTTPException)(_http_exception)
    application.exception_handler(Exception)(_unexpected)


def failure(
    status: int, message: str, kind: str, code: str, param: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Returns a response with the envelope."""
    # JSON input can contain lone surrogates, which no response can encode.
    message, param = _encodable(message), param and _encodable(param)
    body = FailureEnvelope(error=Failure(message=message, type=kind, param=param, code=code))
    return JSONResponse(body.model_dump(), status, headers)


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def failure_of(error: ServiceError) -> JSONResponse:
    """Returns the response for an error."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else None
    return failure(error.status, error.message, error.type, error.code, error.param, headers)


async def _service_error(request: Request, error: ServiceError) -> JSONResponse:
    return failure_of(error)


async def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    # pydantic also names the members of unions: `audio.function-plain[_validate()]`.
    field = ".".join(str(part) for part in first["loc"][1:] if "(" not in str(part)) or None
    message = first["msg"]
    if first["type"] == "json_invalid":
        field, message = None, f"The body is not valid JSON: {first['ctx']['error']} at character {first['loc'][1]}."
    elif first["type"] == "misspelt":
        field = first["ctx"]["name"]
        message += f" Did you mean {first['ctx']['meant']}?"
    elif first["type"] == "extra_forbidden":
        message = f"There is no field {field}.{suggestion(field or '', _known_fields(request))}"
    elif field is None:
        message = _body_problem(request, first["input"])
    elif first["type"] == "missing":
        message = f"The field {field} is missing or empty."
    elif "UploadFile" in message:
        message = f"{field}: This is not a file. Send it in a form of the type multipart/form-data."
    else:
        message = f"{field}: {message}."
    return await _service_error(request, UnprocessableInput(message, field))


def _body_problem(request: Request, body: object) -> str:
    """Describes a body that is not an object at all."""
    kind = request.headers.get("content-type")
    if not body:
        return "The request has no body: send a JSON object with `Content-Type: application/json`."
    if isinstance(body, bytes):
        given = f"is {kind[:100]}" if kind else "is missing"
        return f"The body was not read as JSON, because its Content-Type {given}: send `application/json`."
    if isinstance(body, str):
        return "The body is a JSON string, not an object: it was encoded twice."
    return f"The body is a JSON {_JSON.get(type(body), 'value')}, not an object."


_JSON: Final[Mapping[type, str]] = {list: "array", int: "number", float: "number", bool: "value"}


def _known_fields(request: Request) -> list[str]:
    """Returns the names of the fields of the route's own body."""
    form = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(form, "field_info", None), "annotation", None)
    return wire_names(model) if isinstance(model, type) and issubclass(model, BaseModel) else []


async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
    message = error.detail
    if isinstance(error.__cause__, UnicodeDecodeError):
        message = "The body is not valid UTF-8."
    elif error.status_code == HTTPStatus.NOT_FOUND:
        message = f"There is no {request.url.path}: see /apidocs."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"{request.url.path} does not take {request.method}: see /apidocs."
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    if error.status_code == InputTooLarge.status:
        code = InputTooLarge.code
    return failure(error.status_code, message, "invalid_request_error", code, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        logger.error("%s %s failed: %s", request.method, request.url.path, error)
        return failure_of(Unavailable("The service's disk is full: try again later.", retry_after_s=60))
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failure(500, "An internal error occurred. See the service's log.", "server_error", "internal_error")
