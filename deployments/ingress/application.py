"""The HTTP application, put together."""

import tempfile
from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, FastAPI, Response
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

from deployments.ingress import failures
from deployments.ingress.body_limit import BodyLimit
from deployments.ingress.gpu import gpu_routes
from deployments.ingress.service import Service
from deployments.ingress.transcription import transcription_routes
from deployments.ingress.tts import tts_routes

SERVING = {"healthy", "upscaling", "downscaling"}
"""Serve's states of a deployment in which requests are answered, if after a wait."""


class Health(BaseModel):
    """How the service is."""

    status: Literal["healthy", "degraded"]
    timestamp: datetime
    deployments: dict[str, str]
    failures: dict[str, str]
    """Models that could not be loaded when that was last tried, with the reason."""


def build_application(service: Service) -> FastAPI:
    """All routes on a service."""
    # Not FastAPI's own page, whose scripts come from elsewhere: it must open on a closed network.
    application = FastAPIOffline(
        title="Llasa Serve",
        description="Zero-shot voice cloning. The weights of Llasa and XCodec2 are CC-BY-NC-4.0. "
        "Clone a voice only with its owner's consent.",
        docs_url="/apidocs",
        redoc_url=None,
    )
    if temp_dir := service.settings.temp_dir:
        # Starlette spills uploads to where tempfile says, and knows no other way of being told.
        temp_dir.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = str(temp_dir)
    failures.install(application)
    application.add_middleware(BodyLimit, megabytes=service.settings.max_upload_mb)
    application.include_router(_health_routes(service))
    application.include_router(tts_routes(service))
    application.include_router(transcription_routes(service))
    application.include_router(gpu_routes(service))
    return application


def _health_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/health", summary="How the service is", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        deployments = await service.health()
        models = await service.residency.status()
        failures = {model: status.failure for model, status in models.items() if status.failure}
        healthy = SERVING.issuperset(deployments.values()) and not failures
        response.status_code = 200 if healthy else 503
        return Health(
            status="healthy" if healthy else "degraded",
            timestamp=datetime.now(UTC),
            deployments=deployments,
            failures=failures,
        )

    return router
