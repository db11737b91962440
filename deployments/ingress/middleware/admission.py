"""Gives requests for work their turn before their bodies are read, and a deadline."""

import asyncio
from collections.abc import Collection
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import Overloaded, Unavailable
from deployments.ingress.responses.exception_handlers import failure_of
from deployments.ingress.responses.sse import ERROR_EVENTS, error_event
from deployments.service.deadline import deadline_error
from deployments.service.turns import Admission, Turn


def _turn_of(request: Request) -> Turn:
    turn: Turn = request.state.turn
    return turn


HeldTurn = Annotated[Turn, Depends(_turn_of)]
"""Parameter of a route: the turn that the request has got from the middleware."""


class AdmissionMiddleware:
    """ASGI middleware that gives requests for work a turn, before their bodies are read, and a deadline.

    Args:
        app: Handles the requests.
        admission: Gives turns to clients, by `scope["state"]["client"]`.
        paths: Paths that require work, by POST.
        timeout_s: Seconds that a request may take, including its wait. A response under way is then aborted: an event
            stream with an error event, any other visibly unfinished.
    """

    def __init__(self, app: ASGIApp, admission: Admission, paths: Collection[str], timeout_s: float) -> None:
        self.app = app
        self._admission = admission
        self._paths = frozenset(paths)
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._paths:
            await self.app(scope, receive, send)
            return
        scope["state"]["turn"] = Turn.begin(self._timeout_s)
        content_type: bytes | None = None

        async def noting(message: Message) -> None:
            nonlocal content_type
            if message["type"] == "http.response.start":
                content_type = dict(message["headers"]).get(b"content-type", b"")
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_s) as deadline, self._admission.turn(scope["state"]["client"]):
                await self.app(scope, receive, noting)
        except (Overloaded, Unavailable) as error:
            await failure_of(error)(scope, receive, send)
        except TimeoutError:
            if not deadline.expired():
                raise
            late = deadline_error(self._timeout_s)
            if content_type is None:
                await failure_of(late)(scope, receive, send)
            elif content_type.startswith(b"text/event-stream"):
                body = error_event(late, ERROR_EVENTS.get(scope["path"], "error"))
                await send({"type": "http.response.body", "body": body, "more_body": False})
            else:
                raise late from None
