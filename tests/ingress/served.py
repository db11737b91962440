"""The HTTP application behind a real socket, for clients that need one."""

import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import cycle

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.ingress.application import build_application
from deployments.ingress.service import Service


@contextmanager
def served(*services: Service) -> Iterator[str]:
    """Serves it in a thread; gives its URL. Of several, each request meets the next, as behind a load balancer."""
    config = uvicorn.Config(
        _in_turn([build_application(service) for service in services]),
        port=0,
        log_level="error",
        ws="none",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def startup_and_tell(*args: object, **options: object) -> None:
        await startup(*args, **options)  # type: ignore[arg-type]
        started.set()

    server.startup = startup_and_tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


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
