"""/mcp: the service as tools for assistants, over the Model Context Protocol."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route

from deployments.mcp.server import build_server
from deployments.service.backend import Backend
from deployments.service.job_desk import JobDesk
from deployments.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "::1")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def assistant_route(backend: Backend, settings: Settings, jobs: JobDesk | None) -> tuple[Route, Lifespan]:
    """Returns the route and the lifespan that must run while it serves."""
    most_bytes = round(settings.max_upload_mb * 1_000_000)
    server = build_server(backend, most_bytes, jobs=jobs)
    app = server.streamable_http_app(
        stateless_http=True,  # any ingress replica may get the next request
        max_request_body_size=most_bytes,
        transport_security=_security(settings),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    (route,) = app.routes
    assert isinstance(route, Route)  # noqa: S101 - as the SDK makes it
    # A GET would hold a slot indefinitely for messages that a server without sessions never sends.
    return Route(route.path, route.endpoint, methods=["POST"]), lifespan


def _security(settings: Settings) -> TransportSecuritySettings:
    """Guards against web pages that make a browser call a service on its own machine (DNS rebinding)."""
    hosts = [*settings.mcp_allowed_hosts]
    if not hosts and settings.api_host in _LOOPBACK:
        hosts = [f"{host}:*" for host in ("127.0.0.1", "localhost", "[::1]")]
    # The SDK's `name:*` requires a port; a URL without one uses the scheme's.
    hosts += [host.removesuffix(":*") for host in hosts if host.endswith(":*")]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    origins += settings.cors_origins
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=bool(hosts), allowed_hosts=hosts, allowed_origins=origins
    )
