"""What Serve's proxy answers by itself, on a stand-in for it; tests/test_replica_death.py has the real one."""

import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from deployments.ingress.proxy import ProxyErrors, middlewares
from deployments.service.retry import ATTEMPTS

PLAIN = "text/plain; charset=utf-8"


def start(status: int, content_type: str) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type.encode())]}


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


class Proxy:
    """Answers each request with the next of its scripts, the last one again; a script may be empty."""

    def __init__(self, *scripts: list[Message]) -> None:
        self._scripts = scripts
        self.requests: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        data = b""
        message = await receive()
        while message["type"] == "http.request":
            data += message["body"]
            if not message["more_body"]:
                break
            message = await receive()
        self.requests.append((scope["path"], data))
        scope["path"] = "changed"
        for message in self._scripts[min(len(self.requests), len(self._scripts)) - 1]:
            await send(message)


async def asked(
    proxy: Proxy, path: str = "/v1/models", method: str = "GET", received: list[Message] | None = None
) -> list[Message]:
    """What the server is given to send."""
    sent: list[Message] = []
    messages = received or [{"type": "http.request", "body": b"data", "more_body": False}]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await ProxyErrors(proxy)({"type": "http", "method": method, "path": path, "headers": []}, receive, send)
    return sent


def refused(sent: list[Message]) -> tuple[int, str, str | None]:
    """Status, code and Retry-After of an answer in the envelope."""
    head, content = sent
    headers = {name.decode(): value.decode() for name, value in head["headers"]}
    assert headers["content-type"] == "application/json"
    error: dict[str, Any] = json.loads(content["body"])["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return head["status"], error["code"], headers.get("retry-after")


OK = [start(200, "application/json"), body(b"{}")]


async def test_answers_of_the_service_pass_unchanged() -> None:
    for script in (OK, [start(503, "application/json"), body(b"{}")], [start(500, PLAIN), body(b"x")]):
        assert await asked(Proxy(script)) == script


async def test_a_request_whose_ingress_died_is_refused_in_the_envelope() -> None:
    proxy = Proxy([])
    assert refused(await asked(proxy, "/v1/audio/speech", "POST")) == (503, "unavailable", "5")
    assert len(proxy.requests) == 1


async def test_one_that_only_reads_goes_to_another_ingress() -> None:
    proxy = Proxy([], [], OK)
    assert await asked(proxy) == OK
    assert [path for path, _ in proxy.requests] == ["/v1/models"] * 3


async def test_one_that_kills_every_ingress_is_given_up() -> None:
    proxy = Proxy([])
    assert refused(await asked(proxy)) == (503, "unavailable", "5")
    assert len(proxy.requests) == ATTEMPTS


async def test_nothing_is_repeated_or_sent_for_a_client_that_has_gone() -> None:
    proxy = Proxy([])
    assert await asked(proxy, received=[{"type": "http.disconnect"}]) == []
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (404, "Path '/v1/models' not found. Ping http://.../-/routes for available routes.", (503, "unavailable", "5")),
        (408, "Request 1 timed out after 1.0s.", (408, "timeout", None)),
        (429, "Request dropped due to backpressure.", (429, "overloaded", "5")),
        (503, "Deployment is unavailable because it failed to deploy.", (503, "unavailable", "5")),
    ],
)
async def test_the_proxys_own_answers_are_put_into_the_envelope(
    status: int, text: str, expected: tuple[int, str, str | None]
) -> None:
    assert refused(await asked(Proxy([start(status, PLAIN), body(text.encode())]))) == expected


async def test_a_page_that_is_not_found_stays_so() -> None:
    script = [start(404, PLAIN), body(b"Not Found")]
    assert await asked(Proxy(script), "/ui/nothing") == script


async def test_probes_of_the_proxy_are_left_alone() -> None:
    script = [start(503, PLAIN), body(b"DRAINING")]
    assert await asked(Proxy(script), "/-/healthz") == script


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/audio/speech", "speech.audio.error"), ("/v1/audio/transcriptions", "error")]
)
async def test_events_that_broke_off_end_with_an_error(path: str, kind: str) -> None:
    script = [start(200, "text/event-stream; charset=utf-8"), body(b"data: 1\n\n", more=True)]
    *before, last = await asked(Proxy(script), path, "POST")
    assert before == script
    assert not last["more_body"]
    name, data, *_ = last["body"].decode().splitlines()
    assert name == f"event: {kind}"
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == "unavailable"


async def test_a_file_that_broke_off_stays_unfinished() -> None:
    script = [start(200, "audio/mpeg"), body(b"ID3", more=True)]
    assert await asked(Proxy(script), "/v1/audio/speech", "POST") == script


async def test_other_protocols_pass() -> None:
    passed: list[Scope] = []

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    async def never() -> Message:
        raise AssertionError("read")

    async def send(message: Message) -> None:
        raise AssertionError("sent")

    scope = {"type": "websocket", "path": "/ui/queue"}
    await ProxyErrors(proxy)(scope, never, send)
    assert passed == [scope]


def test_serve_is_given_starlettes_middleware() -> None:
    (middleware,) = middlewares()
    assert middleware.cls is ProxyErrors  # type: ignore[comparison-overlap]
