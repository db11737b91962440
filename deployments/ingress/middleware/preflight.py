"""Explains to web pages of other origins why they may not call the service."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.ingress.responses.exception_handlers import failure


class PreflightMiddleware:
    """ASGI middleware that refuses CORS preflights, for a service that allows no other origins."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" and scope["method"] == "OPTIONS" else {}
        if "access-control-request-method" not in headers:
            await self.app(scope, receive, send)
            return
        origin = headers.get("origin", "")[:100]
        refusal = failure(
            HTTPStatus.FORBIDDEN,
            f"Web pages of other origins may not call this service: add {origin} to the setting CORS_ORIGINS.",
            "invalid_request_error",
            "cors_disabled",
        )
        await refusal(scope, receive, send)
