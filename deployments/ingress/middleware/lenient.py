"""Answers requests that differ from a route only in form."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LenientMiddleware:
    """ASGI middleware that answers HEAD as GET without the body, and ignores a slash at the end of the path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if len(scope["path"]) > 1 and scope["path"].endswith("/"):
            # Starlette would redirect, and clients repeat a redirected POST as a GET, or without its key.
            scope["path"] = scope["path"].rstrip("/") or "/"
        if scope.get("method") != "HEAD":
            await self.app(scope, receive, send)
            return
        scope["method"] = "GET"

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app(scope, receive, without_body)
