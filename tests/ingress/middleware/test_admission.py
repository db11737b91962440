import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from deployments.errors import TimedOut
from deployments.ingress.middleware.admission import AdmissionMiddleware
from deployments.ingress.responses.sse import ERROR_EVENTS
from deployments.service.turns import Admission
from tests.support.recorder import Recorder
from tests.support.refusal import refused


def client_of(
    app: "Answer", running: int = 1, waiting: int = 1, timeout_s: float = 60, *, draining: bool = False
) -> httpx.AsyncClient:
    admission = Admission(running, waiting, Recorder())
    admitted = AdmissionMiddleware(app, admission, {"/work", *ERROR_EVENTS}, timeout_s)

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        if draining:
            await admission.drain()
        await admitted({**scope, "state": {"client": "a"}}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(known), base_url="http://test")


class Answer:
    """An application whose answer waits at a door."""

    def __init__(self, media_type: str | None = None) -> None:
        self.door = asyncio.Event()
        self.media_type = media_type
        self.closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.media_type is None:
            await self.door.wait()
            await PlainTextResponse("done")(scope, receive, send)
        else:
            await StreamingResponse(self.parts(), media_type=self.media_type)(scope, receive, send)

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await self.door.wait()
        finally:
            self.closed = True


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_work_over_http_is_refused_with_429_and_when_to_come_back() -> None:
    app = Answer()
    async with client_of(app) as client, AsyncExitStack() as stack:
        stack.callback(app.door.set)
        tasks = [asyncio.create_task(client.post("/work")) for _ in range(2)]
        await settled()
        answer = await client.post("/work")
        refused(answer, 429, "overloaded", None, "Too many requests")
        assert int(answer.headers["retry-after"]) > 0
        app.door.set()
        assert [(await task).status_code for task in tasks] == [200, 200]


async def test_what_is_no_work_needs_no_turn() -> None:
    app = Answer()
    app.door.set()
    async with client_of(app, running=1, waiting=0) as client:
        assert (await client.get("/work")).status_code == 200
        assert (await client.post("/elsewhere")).status_code == 200


async def test_a_service_that_is_being_stopped_tells_clients_to_come_back() -> None:
    async with client_of(Answer(), draining=True) as client:
        answer = await client.post("/work")
        refused(answer, 503, "unavailable", None, "The service is being stopped")
        assert int(answer.headers["retry-after"]) > 0


async def test_a_request_past_its_deadline_is_told_408() -> None:
    async with client_of(Answer(), timeout_s=0.05) as client:
        refused(await client.post("/work"), 408, "timeout", None, "longer than 0.05 s")


@pytest.mark.parametrize(("path", "kind"), ERROR_EVENTS.items())
async def test_an_event_stream_past_its_deadline_ends_with_an_event_that_says_so(path: str, kind: str) -> None:
    app = Answer("text/event-stream")
    async with client_of(app, timeout_s=0.05) as client:
        answer = await client.post(path)
    assert answer.text.startswith(f"firstevent: {kind}\n")
    assert '"code":"timeout"' in answer.text
    assert app.closed


async def test_any_other_stream_past_its_deadline_breaks_off() -> None:
    app = Answer("audio/mpeg")
    async with client_of(app, timeout_s=0.05) as client:
        with pytest.raises(TimedOut):
            await client.post("/work")
    assert app.closed
