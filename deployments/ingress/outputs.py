"""GET /api/outputs/{name}: copies of what was spoken, for whoever was told their names."""

import asyncio
from pathlib import PurePath
from typing import Any, Final

from fastapi import APIRouter, Response

from deployments.errors import InvalidInput, NotFound
from deployments.ingress.failures import FAILURES
from deployments.ingress.service import Service
from deployments.settings import Settings
from deployments.speech.container import MEDIA_TYPES
from deployments.speech.outputs import Outputs

_MEDIA_TYPES: Final = {f".{format}": media_type for format, media_type in MEDIA_TYPES.items()}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **{status: FAILURES[status] for status in (401, 404, 422)},
    200: {"description": "The file.", "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)},
}


def output_routes(service: Service) -> APIRouter:
    """The route, on a service. There is none that lists: a name is told only to who had the speech made."""
    router = APIRouter(prefix="/api/outputs", tags=["speech"])

    @router.get("/{name}", summary="Get a stored copy of speech", response_class=Response, responses=_ANSWERS)
    async def output(name: str) -> Response:
        data = await read_output(service.settings, name)
        return Response(data, media_type=_MEDIA_TYPES.get(PurePath(name).suffix, "application/octet-stream"))

    return router


async def read_output(settings: Settings, name: str) -> bytes:
    """A copy by its name.

    Raises:
        NotFound: there is none of that name, or none are kept.
    """
    outputs = settings.outputs()
    data = await asyncio.to_thread(outputs.read, name) if outputs else None
    if data is None:
        raise NotFound(f"There is no output {name[:100]!r}: it was deleted, or never kept.", "name")
    return data


def outputs_for(settings: Settings, *, keep: bool) -> Outputs | None:
    """Where a copy goes.

    Raises:
        InvalidInput: one is to be kept, and this service keeps none.
    """
    outputs = settings.outputs()
    if keep and not outputs:
        raise InvalidInput(
            "No copies of speech are kept here, as OUTPUTS_DIR is not set: take the audio itself.", "keep"
        )
    return outputs
