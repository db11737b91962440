"""Limits the size of request bodies, so that no upload fills the memory or the disk."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import InputTooLarge
from deployments.ingress.responses.exception_handlers import failure_of


class BodyLimitMiddleware:
    """ASGI middleware that refuses bodies above a size: at once by their Content-Length, else as they arrive."""

    def __init__(self, app: ASGIApp, megabytes: float) -> None:
        self.app = app
        self.limit = round(megabytes * 1_000_000)
        self.message = f"The request is larger than {megabytes:g} MB."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.limit:
            refusal = failure_of(InputTooLarge(self.message))
            # Asks the client to stop sending the rest of the body.
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise HTTPException(InputTooLarge.status, self.message, headers={"Connection": "close"})
            return message

        await self.app(scope, limited, send)
