"""Assembles the HTTP application."""

import tempfile
from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware

from deployments.ingress.asyncapi import ASYNCAPI, LIVE
from deployments.ingress.middleware.admission import AdmissionMiddleware
from deployments.ingress.middleware.body_limit import BodyLimitMiddleware
from deployments.ingress.middleware.keys import APIKeyMiddleware
from deployments.ingress.middleware.lenient import LenientMiddleware
from deployments.ingress.middleware.preflight import PreflightMiddleware
from deployments.ingress.responses import exception_handlers
from deployments.ingress.responses.speech import HEADERS
from deployments.ingress.routes.assistants import assistant_route
from deployments.ingress.routes.batch import batch_routes
from deployments.ingress.routes.captioned import captioned_routes
from deployments.ingress.routes.dialogue import dialogue_routes
from deployments.ingress.routes.elevenlabs import elevenlabs_routes
from deployments.ingress.routes.gpu import gpu_routes
from deployments.ingress.routes.jobs import job_routes
from deployments.ingress.routes.live import live_routes
from deployments.ingress.routes.long_transcriptions import long_transcription_routes
from deployments.ingress.routes.models import model_routes
from deployments.ingress.routes.outputs import output_routes
from deployments.ingress.routes.pronunciations import pronunciation_routes
from deployments.ingress.routes.speech import speech_routes
from deployments.ingress.routes.transcription import transcription_routes
from deployments.ingress.routes.transcriptions import transcriptions_routes
from deployments.ingress.routes.tts import tts_routes
from deployments.ingress.routes.voices import voice_routes
from deployments.service.job_desk import LocalJobs
from deployments.service.service import SpeechService
from deployments.service.turns import Admission
from deployments.settings import Settings
from deployments.version import VERSION

HEALTH: Final = ("/health",)
DOCS: Final = ("/apidocs", "/openapi.json", ASYNCAPI, "/static-offline-docs/*", "/favicon.ico")
PAGE: Final = "/ui/"
"""The page, by its `route_prefix` in serve_config.yaml."""
WORK: Final = (
    "/api/tts",
    "/api/transcribe",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/voices",
    "/v1/audio/voices/import",
    "/v1/text-to-dialogue",
)
"""Paths whose POST runs a model: these take turns."""
SERVING = {"healthy", "upscaling", "downscaling"}
"""Serve's states of a deployment that answers requests, perhaps after a wait."""


class Health(BaseModel):
    """State of the service."""

    status: Literal["healthy", "degraded"]
    timestamp: datetime
    profile: str
    reason: str
    """Why this profile was chosen."""
    deployments: dict[str, str]
    failures: dict[str, str]
    """Models that failed to load at the last attempt, with the reason."""


def build_application(service: SpeechService) -> FastAPI:
    """Adds all routes of a service."""
    settings = service.settings
    jobs = LocalJobs(service, service.jobs, settings) if service.jobs else None
    assistants, lifespan = assistant_route(service, settings, jobs)
    # Not FastAPI's own page, whose scripts come from elsewhere: it must open on a closed network.
    application = FastAPIOffline(
        title="Llasa Serve",
        version=VERSION,
        description="Zero-shot voice cloning. The weights of Llasa and XCodec2 are CC-BY-NC-4.0. "
        "Clone a voice only with its owner's consent.",
        docs_url="/apidocs",
        redoc_url=None,
        lifespan=lifespan,
    )
    if temp_dir := settings.temp_dir:
        # Starlette stores uploads in tempfile's directory and has no setting for it.
        temp_dir.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = str(temp_dir)
    exception_handlers.install(application)
    _guard(application, settings, service.admission)
    for routes in (
        _health_routes,
        speech_routes,
        transcriptions_routes,
        voice_routes,
        pronunciation_routes,
        dialogue_routes,
        model_routes,
        tts_routes,
        transcription_routes,
        output_routes,
        gpu_routes,
        live_routes,
        batch_routes,
        elevenlabs_routes,
        captioned_routes,
    ):
        application.include_router(routes(service))
    if jobs:
        application.include_router(job_routes(jobs, service.profile))
        application.include_router(long_transcription_routes(jobs, service.profile))
    application.router.routes.append(assistants)

    @application.get("/favicon.ico", include_in_schema=False)
    async def icon() -> RedirectResponse:
        return RedirectResponse("/static-offline-docs/favicon.png")

    @application.get("/", include_in_schema=False)
    async def page() -> RedirectResponse:
        return RedirectResponse(PAGE)

    return application


def _guard(application: FastAPI, settings: Settings, admission: Admission) -> None:
    """Adds middleware. The last one added runs first: form, CORS, key, turn, size."""
    application.add_middleware(BodyLimitMiddleware, megabytes=settings.max_upload_mb)
    application.add_middleware(
        AdmissionMiddleware,
        admission=admission,
        paths=WORK,
        timeout_s=settings.request_timeout,
    )
    # A browser sends no key to `/`; the page asks for one itself.
    open_paths = ["/", *(HEALTH if settings.health_open else ()), *(DOCS if settings.docs_open else ())]
    application.add_middleware(APIKeyMiddleware, keys=settings.keys(), open_paths=open_paths, late_paths=[LIVE])
    if settings.cors_origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[*HEADERS, "X-Ignored", "X-Request-ID", "Retry-After"],
        )
    else:
        application.add_middleware(PreflightMiddleware)
    application.add_middleware(LenientMiddleware)


def _health_routes(service: SpeechService) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/health", summary="Health of the service", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        deployments = await service.health()
        models = await service.models()
        failures = {model: status.failure for model, status in models.items() if status.failure}
        healthy = SERVING.issuperset(deployments.values()) and not failures
        response.status_code = 200 if healthy else 503
        return Health(
            status="healthy" if healthy else "degraded",
            timestamp=datetime.now(UTC),
            profile=service.profile.name,
            reason=service.profile.reason,
            deployments=deployments,
            failures=failures,
        )

    return router
