"""WS /v1/audio/speech/stream: text that is being written, spoken meanwhile."""

import json
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from pydantic import Field

from deployments.ingress.asyncapi import ASYNCAPI, LIVE, asyncapi, summary
from deployments.ingress.responses.exception_handlers import FAILURES, Failure, FailureEnvelope
from deployments.service.live import MOST_BYTES, LiveSession
from deployments.service.live_messages import CLIENT_MESSAGES, SERVER_MESSAGES, kind_of
from deployments.service.service import SpeechService

_FORBIDDEN: Final = 1008


class UpgradeEnvelope(FailureEnvelope):
    """An error, and the messages of the WebSocket by their types."""

    messages: dict[str, dict[str, str]]
    asyncapi: str = Field(description="Path of the AsyncAPI document.")
    longest_message: int
    """Bytes."""


def live_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    router = APIRouter(tags=["openai"])

    @router.get(
        LIVE,
        summary="Explains the WebSocket at this path",
        status_code=426,
        response_model=UpgradeEnvelope,
        responses={401: FAILURES[401]},
    )
    async def explain() -> JSONResponse:
        error = Failure(
            message=f"{LIVE} is a WebSocket: connect with ws:// or wss://. If you did, a proxy on the way does not "
            "pass the headers Upgrade and Connection on.",
            type="invalid_request_error",
            param=None,
            code="upgrade_required",
        )
        kinds = {"client": CLIENT_MESSAGES, "server": SERVER_MESSAGES}
        messages = {side: {kind_of(model): summary(model) for model in models} for side, models in kinds.items()}
        body = UpgradeEnvelope(error=error, messages=messages, asyncapi=ASYNCAPI, longest_message=MOST_BYTES)
        return JSONResponse(body.model_dump(), 426, {"Upgrade": "websocket", "Connection": "Upgrade"})

    @router.get(ASYNCAPI, include_in_schema=False)
    async def document() -> JSONResponse:
        return JSONResponse(asyncapi())

    @router.websocket(LIVE)
    async def live(websocket: WebSocket) -> None:
        if not _is_allowed(websocket, service.settings.cors_origins):
            await websocket.close(_FORBIDDEN)
            return
        await websocket.accept()
        state = websocket.state

        async def receive() -> str | bytes | None:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            text: str | None = message.get("text")
            data: bytes = message.get("bytes") or b""
            return data if text is None else text

        async def send(message: Any) -> None:
            with suppress(WebSocketDisconnect, RuntimeError):  # `receive` reports that the client is gone
                if isinstance(message, bytes):
                    await websocket.send_bytes(message)
                else:
                    await websocket.send_text(json.dumps(message))  # escapes what no frame can hold

        identify = getattr(state, "identify", lambda key: None)
        code = await LiveSession(service, receive, send, state.client, identify).run()
        with suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(code)

    return router


def _is_allowed(websocket: WebSocket, cors_origins: Collection[str]) -> bool:
    """Returns whether the client is no web page, or one of this service or of an allowed origin.

    Browsers let any page open a WebSocket, without asking the server first as they do for other requests.
    """
    origin = websocket.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == websocket.headers.get("host"):
        return True
    return "*" in cors_origins or origin in cors_origins
