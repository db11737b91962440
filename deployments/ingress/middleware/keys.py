"""API keys."""

import hashlib
import hmac
from collections.abc import Collection, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.errors import Unauthorized
from deployments.ingress.responses.exception_handlers import failure_of


class APIKeyMiddleware:
    """ASGI middleware that requires an API key and stores its name in `scope["state"]["client"]`.

    Without keys every request passes, and the client is identified by its address.

    Args:
        app: The guarded application.
        keys: The keys by their names.
        open_paths: Paths that need no key; one that ends in `/*` opens all paths below it.
    """

    def __init__(self, app: ASGIApp, keys: Mapping[str, str], open_paths: Collection[str] = ()) -> None:
        self.app = app
        self._names = {_digest(key.encode()): name for name, key in keys.items()}
        self._open = frozenset(open_paths)
        self._below = tuple(path.removesuffix("*") for path in open_paths if path.endswith("/*"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        client = self._client(scope)
        if client is None and not self._is_open(scope["path"]):
            await self._refuse(scope, receive, send)
            return
        scope.setdefault("state", {})["client"] = client or _address(scope)
        await self.app(scope, receive, send)

    def _client(self, scope: Scope) -> str | None:
        if not self._names:
            return _address(scope)
        headers = Headers(scope=scope)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        digest = _digest(given.encode("latin-1"))
        # Compares all digests, all of one length, so that the time reveals nothing.
        names = [name for known, name in self._names.items() if hmac.compare_digest(known, digest)]
        return names[0] if names else None

    def _is_open(self, path: str) -> bool:
        return path in self._open or path.startswith(self._below)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        error = Unauthorized("Missing or invalid API key. Send `Authorization: Bearer KEY` or `X-API-Key: KEY`.")
        response = failure_of(error)
        response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _address(scope: Scope) -> str:
    address = scope.get("client")
    return str(address[0]) if address else "unknown"
