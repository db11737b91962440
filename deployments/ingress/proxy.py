"""Turns errors of Serve's HTTP proxy into the service's own error envelope.

When the ingress replica of a request dies, no replica is up, or no application is deployed yet, the proxy itself
answers in plain text, or not at all, which uvicorn turns into a plain 500. Serve calls `middlewares` in each proxy if
`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH` names it: see cli/serve/local.py and the Dockerfile.
"""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import Overloaded, ServiceError, TimedOut, Unavailable
from deployments.ingress.responses.exception_handlers import failure_of
from deployments.ingress.responses.sse import ERROR_EVENTS, error_event
from deployments.service.retry import ATTEMPTS

_RETRY_S: Final = 5
_OWN: Final = "/-/"
"""Paths of the proxy itself, for probes."""


def middlewares() -> list[Middleware]:
    """Middleware that Serve adds to its proxy."""
    return [Middleware(ProxyErrors)]


class ProxyErrors:
    """ASGI middleware around Serve's proxy.

    A request whose ingress replica died before the response began gets 503 with `Retry-After`. A GET or HEAD goes to
    another replica instead; other methods do not, since a request that kills an ingress would kill the next one, too. A
    broken stream of speech or text events ends with an error event.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN):
            await self.app(scope, receive, send)
            return
        attempts = ATTEMPTS if scope["method"] in ("GET", "HEAD") else 1
        request = _Request(receive)
        for _ in range(attempts):
            answer = _Answer(send)
            # The proxy changes the scope.
            await self.app(dict(scope, headers=list(scope["headers"])), request.replayed(), answer.send)
            if answer.started or request.disconnected:
                break
        if request.disconnected or answer.finished:
            return
        if not answer.started:
            await failure_of(_died())(scope, receive, send)
        elif answer.is_event_stream and (kind := ERROR_EVENTS.get(scope["path"])):
            await send({"type": "http.response.body", "body": error_event(_died(), kind), "more_body": False})
        # Any other stream stays unfinished, which breaks the connection: the client notices.


class _Request:
    """The client's request, which can be read again from its beginning.

    Only bodies of GET and HEAD are read more than once, and those are empty: nothing large is kept.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False
        self.disconnected = False

    def replayed(self) -> Receive:
        if not self._ended:
            return self._noting
        pending: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            return pending.pop() if pending else await self._noting()

        return receive

    async def _noting(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.disconnected = True
        elif not message.get("more_body"):
            self._ended = True
        return message


class _Answer:
    """Passes responses on, but replaces those of the proxy itself by the service's."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._own: Message | None = None
        self.started = False
        self.finished = False
        self.is_event_stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            content_type = Headers(raw=message["headers"]).get("content-type", "")
            self.is_event_stream = content_type.startswith("text/event-stream")
            if message["status"] in _PROXY and content_type.startswith("text/plain"):
                self._own = message
                return
        elif message["type"] == "http.response.body":
            self.finished = not message.get("more_body", False)
            if self._own:
                start, self._own = self._own, None
                if error := _error_of(start, message.get("body", b"")):
                    await failure_of(error)({"type": "http"}, _nothing, self._send)
                    return
                await self._send(start)
        await self._send(message)


def _error_of(start: Message, body: bytes) -> ServiceError | None:
    """Returns the proxy's own response as an error; None if it comes from an application."""
    status = start["status"]
    if status == 404 and not body.startswith(b"Path '"):
        return None
    return _PROXY[status]()


def _died() -> ServiceError:
    return Unavailable("The process that handled the request has died: try again.", retry_after_s=_RETRY_S)


def _no_replica() -> ServiceError:
    return Unavailable("The service is not up: try again.", retry_after_s=_RETRY_S)


_PROXY: Final[dict[int, Callable[[], ServiceError]]] = {
    404: _no_replica,
    408: lambda: TimedOut("The request took longer than the proxy allows."),
    429: lambda: Overloaded("Too many requests are waiting: try again later.", retry_after_s=_RETRY_S),
    503: _no_replica,
}
"""Statuses of the proxy's own responses. Its 404 means that no application is deployed (yet): ours takes every path."""


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
