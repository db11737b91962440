"""GET /api/outputs/{name}: stored copies of speech, for clients that know their names."""

from pathlib import PurePath
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from deployments.audio.encoder import MEDIA_TYPES
from deployments.ingress.responses.audio_file import AUDIO_CONTENT, RANGES, audio_file
from deployments.ingress.responses.exception_handlers import failures
from deployments.service.service import SpeechService

_MEDIA_TYPES: Final = {f".{format}": media_type for format, media_type in MEDIA_TYPES.items()}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **failures(401, 404, 422),
    200: {"description": "The file.", "content": AUDIO_CONTENT},
    **RANGES,
}


def output_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service. No route lists copies: only the client that requested a speech gets its name."""
    router = APIRouter(prefix="/api/outputs", tags=["speech"])

    @router.get("/{name}", summary="Get a stored copy of speech", response_class=Response, responses=_ANSWERS)
    async def output(name: str, request: Request) -> Response:
        data = await service.output(name)
        return audio_file(request, data, _MEDIA_TYPES.get(PurePath(name).suffix, "application/octet-stream"))

    return router
