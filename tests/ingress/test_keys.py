import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from deployments.ingress.keys import Keys
from tests.ingress.test_tts import refused


async def whose(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(scope["state"]["client"])(scope, receive, send)


def client_with(keys: dict[str, str], *open_paths: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Keys(whose, keys, open_paths)), base_url="http://test")


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
    refused(answer, 401, "invalid_api_key", None, "A key is needed")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "sk-" not in answer.text


async def test_without_keys_the_client_is_its_address() -> None:
    async with client_with({}) as client:
        assert (await client.get("/v1/models")).json() == "127.0.0.1"


async def test_only_what_is_open_answers_without_a_key() -> None:
    async with client_with(KEYS, "/health", "/docs/") as client:
        statuses = {
            path: (await client.get(path)).status_code
            for path in ("/health", "/docs/a.js", "/health/", "/healthy", "/docs", "/docs/../v1/models")
        }
    assert statuses == {
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
    await Keys(whose, KEYS)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
