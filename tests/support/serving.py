"""The HTTP application behind a real socket, for clients that need one."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import cycle

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.ingress.application import build_application
from deployments.service.service import SpeechService
from tests.support import served as socket


@contextmanager
def served(*services: SpeechService) -> Iterator[str]:
    """Serves it in a thread; gives its URL. Of several, each request meets the next, as behind a load balancer."""
    with socket.served(_in_turn([build_application(service) for service in services])) as url:
        yield url


def _in_turn(applications: list[FastAPI]) -> ASGIApp:
    if len(applications) == 1:
        return applications[0]
    turns = cycle(applications)

    async def balancer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await next(turns)(scope, receive, send)
            return
        async with AsyncExitStack() as stack:
            for application in applications:
                await stack.enter_async_context(application.router.lifespan_context(application))
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return balancer
