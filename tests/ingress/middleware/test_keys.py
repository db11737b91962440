from collections.abc import Callable

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from deployments.ingress.middleware.keys import APIKeyMiddleware
from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.support.refusal import refused


async def whose(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(scope["state"]["client"])(scope, receive, send)


def client_with(keys: dict[str, str], *open_paths: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(APIKeyMiddleware(whose, keys, open_paths)), base_url="http://test"
    )


KEYS = {"alice": "sk-one", "bob": "sk-two"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sk-two"},
        {"Authorization": "bearer  sk-two "},
        {"X-API-Key": "sk-two"},
        # SDKs send their own even where the other is used.
        {"Authorization": "Basic abc", "X-API-Key": "sk-two"},
    ],
    ids=str,
)
async def test_a_known_key_passes_under_its_name(headers: dict[str, str]) -> None:
    async with client_with(KEYS) as client:
        answer = await client.get("/v1/models", headers=headers)
    assert (answer.status_code, answer.json()) == (200, "bob")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer sk-"},
        {"Authorization": "Bearer "},
        {"Authorization": "sk-one"},
        {"X-API-Key": "SK-ONE"},
        {"X-API-Key": "sk-one,sk-two"},
        {"X-API-Key": b"\xff\xfe"},
    ],
    ids=str,
)
async def test_any_other_is_told_401_in_the_envelope(headers: dict[str, str]) -> None:
    async with client_with(KEYS) as client:
        answer = await client.get("/v1/models", headers=headers)
    refused(answer, 401, "invalid_api_key", None, "Missing or invalid API key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "sk-" not in answer.text


async def test_without_keys_the_client_is_its_address() -> None:
    async with client_with({}) as client:
        assert (await client.get("/v1/models")).json() == "127.0.0.1"


async def test_only_what_is_open_answers_without_a_key() -> None:
    async with client_with(KEYS, "/", "/health", "/docs/*") as client:
        statuses = {
            path: (await client.get(path)).status_code
            for path in ("/", "/health", "/docs/a.js", "/health/", "/healthy", "/docs", "/docs/../v1/models")
        }
    assert statuses == {
        "/": 200,
        "/health": 200,
        "/docs/a.js": 200,
        "/health/": 401,
        "/healthy": 401,
        "/docs": 401,
        "/docs/../v1/models": 401,  # httpx resolves it, as clients do
    }


async def test_a_websocket_without_a_key_is_closed() -> None:
    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        raise NotImplementedError

    scope = {"type": "websocket", "path": "/", "headers": []}
    await APIKeyMiddleware(whose, KEYS)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_keys_cors_and_what_is_open_without(service: Callable[..., SpeechService]) -> None:
    shut = service(api_key="sk-one", health_open=False, docs_open=False, cors_origins="https://page.example")
    async with client_of(shut) as client:
        for path in ("/health", "/apidocs", "/openapi.json", "/v1/models", "/api/gpu/status"):
            assert (await client.get(path)).status_code == 401, path
            assert (await client.get(path, headers={"Authorization": "Bearer sk-one"})).status_code == 200, path
        preflight = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
        answer = await client.options("/v1/audio/speech", headers=preflight)
        assert answer.headers["access-control-allow-origin"] == "https://page.example"
        unknown = await client.get("/v1/models", headers={"Origin": "https://page.example"})
        assert unknown.status_code == 401
        assert unknown.headers["access-control-allow-origin"] == "https://page.example"
        foreign = await client.options("/v1/audio/speech", headers=preflight | {"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in foreign.headers
    async with client_of(service(api_key="sk-one")) as client:
        assert [(await client.get(path)).status_code for path in ("/health", "/apidocs", "/v1/models")] == [
            200,
            200,
            401,
        ]
        assert "access-control-allow-origin" not in (await client.get("/health", headers=preflight)).headers
