"""Turns the service's errors into those of the protocol."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from deployments.errors import NotFound, ServiceError

_ARGUMENTS: Final[Mapping[str, str]] = {
    "input": "target_text",
    "response_format": "format",
    "repetition_penalty": "penalty",
    "seed": "random_seed",
    "keep": "as_link",
    "ref_audio": "audio",
    "audio_sample": "audio",
}
"""The tools' names of HTTP request fields, where they differ."""


@contextmanager
def tool_errors() -> Iterator[None]:
    """Turns the service's errors into tool errors, for the assistant to read."""
    try:
        yield
    except ServiceError as error:
        where = f" ({_ARGUMENTS.get(error.param, error.param)})" if error.param else ""
        raise ToolError(f"{error.message}{where}") from error


@contextmanager
def resource_errors() -> Iterator[None]:
    """Turns the service's errors into errors of reading a resource."""
    try:
        yield
    except NotFound as error:
        raise ResourceNotFoundError(error.message) from error
    except ServiceError as error:
        raise ResourceError(error.message) from error
