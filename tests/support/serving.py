"""The HTTP application behind a real socket, for clients that need one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.ingress.application import build_application
from deployments.jobs.jobs import Jobs
from deployments.service.service import SpeechService
from tests.support import served as socket


def application_with_jobs(service: SpeechService, folder: Path) -> FastAPI:
    """The application of a service with jobs, which run as long as it is served."""
    jobs = Jobs(folder, service, delay=lambda attempt: 0)
    return running_jobs(build_application(replace(service, jobs=jobs)), jobs)


def running_jobs(application: FastAPI, jobs: Jobs) -> FastAPI:
    """Makes jobs run as long as an application is served."""
    lifespan = application.router.lifespan_context

    @asynccontextmanager
    async def with_jobs(app: FastAPI) -> AsyncIterator[Any]:
        async with lifespan(app) as state:
            await jobs.start()
            yield state
            await jobs.close()

    application.router.lifespan_context = with_jobs
    return application


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
