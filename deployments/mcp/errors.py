"""Turns the service's errors into those of the protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from deployments.errors import NotFound, ServiceError

_CLIP: Final = ("ref_audio", "audio_sample")
"""Fields of HTTP requests that have a clip."""


@contextmanager
def tool_errors() -> Iterator[None]:
    """Turns the service's errors into tool errors, for the assistant to read."""
    try:
        yield
    except ServiceError as error:
        where = f" ({'audio' if error.param in _CLIP else error.param})" if error.param else ""
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
