"""Who may ask at /mcp, and how: hosts, origins, keys, methods."""

from collections.abc import Callable

import httpx
import pytest

from deployments.service.service import SpeechService
from tests.support.serving import served


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_nobody_can_hold_a_place_for_messages_that_are_never_sent(
    service: Callable[..., SpeechService], method: str
) -> None:
    with served(service()) as url:
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.request(method, f"{url}/mcp", headers={"accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_keys_are_asked_for(service: Callable[..., SpeechService]) -> None:
    with served(service(api_key="secret")) as url:
        async with httpx.AsyncClient(timeout=60) as client:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert (await client.post(f"{url}/mcp", json=body)).status_code == 401


HERE = "localhost:7861"


@pytest.mark.parametrize(
    ("settings", "host", "origin", "status"),
    [
        ({}, "evil.example", None, 421),
        ({}, "evil.example:7861", "http://localhost:6274", 421),
        ({}, HERE, None, 200),
        ({}, "127.0.0.1", None, 200),
        ({}, HERE, "http://localhost:6274", 200),
        ({}, HERE, "https://evil.example", 403),
        ({}, HERE, "http://localhost.evil.example:7861", 403),
        ({}, HERE, "null", 403),
        ({"mcp_allowed_hosts": "tts.example"}, "tts.example", "https://tts.example", 200),
        ({"mcp_allowed_hosts": "tts.example"}, "tts.example:8443", None, 421),
        ({"mcp_allowed_hosts": "tts.example"}, HERE, None, 421),
        ({"mcp_allowed_hosts": "a.example, tts.example:*"}, "tts.example:8443", "https://tts.example", 200),
        ({"mcp_allowed_hosts": "tts.example"}, "tts.example", "https://evil.example", 403),
        ({"cors_origins": "https://page.example"}, HERE, "https://page.example", 200),
        ({"cors_origins": "https://page.example"}, "page.example", None, 421),
        ({"api_host": "0.0.0.0"}, "tts.example", "https://any.example", 200),  # noqa: S104
        ({"api_host": "0.0.0.0", "mcp_allowed_hosts": "tts.example"}, "evil.example", None, 421),  # noqa: S104
    ],
)
async def test_other_hosts_and_origins_than_those_allowed_are_refused(
    service: Callable[..., SpeechService], settings: dict[str, str], host: str, origin: str | None, status: int
) -> None:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {"host": host, "accept": "application/json, text/event-stream"} | ({"origin": origin} if origin else {})
    with served(service(**settings)) as url:
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.post(f"{url}/mcp", json=body, headers=headers)).status_code == status
