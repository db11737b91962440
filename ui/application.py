"""The page as an ASGI application: one mount per language, and the recordings."""

import hmac
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.audio.encoder import MEDIA_TYPES
from deployments.errors import ServiceError
from deployments.ingress.responses.job_file import job_file, job_stream
from deployments.jobs.formats import FileFormat, StreamFormat
from deployments.profiles import Profile
from deployments.service.transcription import TextFormat, written
from deployments.settings import Settings
from ui.backend import Backend
from ui.chinese import CHINESE
from ui.english import ENGLISH
from ui.job_links import JobLinks
from ui.languages import LANGUAGES
from ui.page import build_page
from ui.recording import Recordings

_KEPT_S: Final = 4 * 3600.0
"""Seconds of speech kept for open pages."""
_STYLE: Final = Path(__file__).with_name("style.css")
_SCRIPT: Final = Path(__file__).with_name("page.js")


def build_application(backend: Backend, settings: Settings, profile: Profile, folder: Path) -> FastAPI:
    """Builds the page of a service.

    Args:
        backend: The service.
        settings: Its settings.
        profile: Its profile.
        folder: Folder for generated speech. Gradio keeps uploads and downloads in GRADIO_TEMP_DIR.
    """
    recordings = Recordings(folder, _KEPT_S)
    application = FastAPI(title="Llasa Serve's page", docs_url=None, redoc_url=None, openapi_url=None)
    links = JobLinks()
    _routes(application, recordings)
    _job_routes(application, backend, links)
    application.add_middleware(_EnglishByDefault)
    keys = settings.keys()

    def known(name: str, key: str) -> bool:
        return name in keys and hmac.compare_digest(key.encode(), keys[name].encode())

    for texts in LANGUAGES:
        gr.mount_gradio_app(
            application,
            build_page(texts, backend, recordings, links, settings, profile),
            f"/{texts.code}",
            auth=known if keys else None,
            auth_message=texts.key_message,
            allowed_paths=[str(folder)],  # not the uploads: allowed files are displayed, and uploads may be HTML
            max_file_size=round(settings.max_upload_mb * 1_000_000),
            footer_links=["api", "settings"],
            run_history=False,
            theme=_theme(),
            css_paths=_STYLE,
            js=_SCRIPT.read_text(encoding="utf-8").replace("LANGUAGE", texts.code),
            show_error=True,
            ssr_mode=False,
        )
    return application


class _EnglishByDefault:
    """ASGI middleware that answers Gradio's clients at the root of the page, too: they follow no redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            path = scope["path"].removeprefix(root)
            if path in ("/config", "/login") or path.startswith("/gradio_api/"):
                scope["path"] = f"{root}/{ENGLISH.code}{path}"
        await self.app(scope, receive, send)


def _routes(application: FastAPI, recordings: Recordings) -> None:
    @application.api_route("/", methods=["GET", "HEAD"])
    async def in_the_browsers_language(request: Request) -> Response:
        wanted = request.headers.get("accept-language", "").lower()
        texts = CHINESE if wanted.startswith("zh") else ENGLISH
        return RedirectResponse(
            f"{request.scope.get('root_path', '')}/{texts.code}/", headers={"Vary": "Accept-Language"}
        )

    @application.get("/favicon.ico")
    def icon() -> Response:
        return Response(_ICON, media_type="image/svg+xml")

    @application.get("/takes/{id}/speech.{format}")
    def speech(id: str, format: Literal["wav", "mp3", "opus", "aac", "flac"]) -> Response:
        recording = recordings.get(id)
        if recording is None:
            return PlainTextResponse(ENGLISH.gone, 404)
        if not recording.ended:
            return StreamingResponse(recording.stream(), media_type=MEDIA_TYPES["wav"], headers=_PRIVATE)
        if format == "wav":
            return FileResponse(recording.path, media_type=MEDIA_TYPES["wav"], headers=_PRIVATE)
        return Response(recording.file(format), media_type=MEDIA_TYPES[format], headers=_PRIVATE)


def _job_routes(application: FastAPI, backend: Backend, links: JobLinks) -> None:
    @application.api_route("/jobs/{id}/audio", methods=["GET", "HEAD"])
    async def audio(
        id: str, request: Request, format: FileFormat | None = None, chapter: int | None = None
    ) -> Response:
        owner = links.owner(id, request.query_params)
        if owner is None:
            return PlainTextResponse(ENGLISH.books.unavailable, 404)
        try:
            job = await backend.jobs.get(owner, id)
            numbered = job.chapters[chapter - 1 : chapter] if chapter and chapter > 0 else ()
            titles = [job.title or id, *(f"{chapter} {each.title}" for each in numbered)]
            return await job_file(request, backend.jobs, owner, id, format, chapter, " - ".join(titles).strip())
        except ServiceError as error:
            return PlainTextResponse(error.message, error.status)

    @application.get("/jobs/{id}/stream")
    async def stream(id: str, request: Request, format: StreamFormat = "mp3", chapter: int | None = None) -> Response:
        owner = links.owner(id, request.query_params)
        if owner is None:
            return PlainTextResponse(ENGLISH.books.unavailable, 404)
        try:
            return await job_stream(backend.jobs, owner, id, format, chapter, follow=True)
        except ServiceError as error:
            return PlainTextResponse(error.message, error.status)

    @application.api_route("/jobs/{id}/transcript", methods=["GET", "HEAD"])
    async def transcript(id: str, request: Request, format: TextFormat = "text") -> Response:
        owner = links.owner(id, request.query_params)
        if owner is None:
            return PlainTextResponse(ENGLISH.books.unavailable, 404)
        try:
            job = await backend.jobs.get(owner, id)
            found = await backend.jobs.transcript(owner, id)
        except ServiceError as error:
            return PlainTextResponse(error.message, error.status)
        name = quote(f"{job.title or id}.{'txt' if format == 'text' else format}", safe="")
        return PlainTextResponse(
            written(found, format), headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        )


_PRIVATE: Final = {"Cache-Control": "private, no-store"}


_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" stroke="#4f46e5" stroke-width="2" '
    'stroke-linecap="round"><path d="M2 7v2M5 5v6M8 2v12M11 5v6M14 7v2"/></svg>'
)


def _theme() -> gr.themes.Base:
    """Gradio's theme, with fonts that need no other host, and colours with enough contrast."""
    theme = gr.themes.Default(
        primary_hue="indigo", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    return theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
    )
