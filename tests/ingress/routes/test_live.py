"""WS /v1/audio/speech/stream over a real socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deployments.audio.decoder import Decoder
from tests.ingress.conftest import client_of
from tests.support.noted import NotedService, noted_service
from tests.support.scripted import PATIENCE
from tests.support.serving import served

PATH = "/v1/audio/speech/stream"
CONFIG = {"type": "session.config", "voice": "alloy", "response_format": "pcm"}


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path)


def address(url: str) -> str:
    return url.replace("http", "ws", 1) + PATH


async def say(socket: ClientConnection, type: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": type, **fields}))


async def message(socket: ClientConnection, type: str) -> dict[str, Any]:
    """The next message of this kind."""
    async with asyncio.timeout(PATIENCE):
        while True:
            received = await socket.recv()
            if isinstance(received, str) and json.loads(received)["type"] == type:
                found: dict[str, Any] = json.loads(received)
                return found


async def test_a_text_is_spoken_while_it_is_written(service: NotedService) -> None:
    with served(service) as url:
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG)
            assert (await message(socket, "session.configured"))["sample_rate"] == 24_000
            await say(socket, "input.text", text="Good morning everyone, ")
            await message(socket, "audio.start")
            async with asyncio.timeout(PATIENCE):
                assert isinstance(await socket.recv(), bytes)
            await say(socket, "input.text", text="this is the rest \ud800 of it.")
            await say(socket, "input.done")
            assert (await message(socket, "session.done"))["total_sentences"] == 2
            await say(socket, "session.close")
            async with asyncio.timeout(PATIENCE):
                await socket.wait_closed()
            assert socket.close_code == 1000


async def test_a_slash_at_the_end_changes_nothing(service: NotedService) -> None:
    with served(service) as url:
        async with connect(address(url) + "/") as socket:
            await say(socket, **CONFIG)
            await message(socket, "session.configured")


async def test_a_client_that_is_gone_leaves_nothing_behind(service: NotedService) -> None:
    with served(service) as url:
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG)
            await say(socket, "input.text", text="Good morning everyone, " + "this goes on and on. " * 50)
            await message(socket, "audio.start")
        async with asyncio.timeout(PATIENCE):
            while service.admission.running or service.admission.waiting:
                await asyncio.sleep(0.01)
        assert len(service.seen) < 50


async def test_many_sessions_at_once_are_all_served(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, max_running_requests=2, max_queued_requests=40)

    async def spoken(url: str) -> int:
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG)
            await say(socket, "input.text", text="Good morning everyone, this is short.")
            await say(socket, "input.done")
            return int((await message(socket, "session.done"))["total_sentences"])

    with served(service) as url:
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*(spoken(url) for _ in range(20))) == [2] * 20


KEYS = {"api_keys": "alice=sk-one,bob=sk-two"}


@pytest.mark.parametrize(
    "header", [{"authorization": "Bearer sk-one"}, {"x-api-key": "sk-two"}, {"xi-api-key": "sk-one"}]
)
async def test_a_key_may_come_in_a_header(decoder: Decoder, tmp_path: Path, header: dict[str, str]) -> None:
    with served(noted_service(decoder, tmp_path, **KEYS)) as url:
        async with connect(address(url), additional_headers=header) as socket:
            await say(socket, **CONFIG)
            await message(socket, "session.configured")


async def test_a_key_may_come_in_the_first_message(decoder: Decoder, tmp_path: Path) -> None:
    with served(noted_service(decoder, tmp_path, **KEYS)) as url:
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG, api_key="sk-two")
            await message(socket, "session.configured")


async def test_a_wrong_key_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    with served(noted_service(decoder, tmp_path, **KEYS)) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(url), additional_headers={"x-api-key": "wrong"})
        assert refused.value.response.status_code == 403
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG, api_key="wrong")
            assert (await message(socket, "error"))["code"] == "invalid_api_key"
            with pytest.raises(ConnectionClosed) as closed:
                await message(socket, "session.configured")
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("origins", "origin", "is_allowed"),
    [
        ("", "https://page.example", False),
        ("https://page.example, https://other.example", "https://other.example", True),
        ("https://page.example", "https://other.example", False),
        ("*", "https://other.example", True),
        ("", "SELF", True),
    ],
)
async def test_web_pages_of_other_origins_need_to_be_allowed(
    decoder: Decoder, tmp_path: Path, origins: str, origin: str, is_allowed: bool
) -> None:
    with served(noted_service(decoder, tmp_path, cors_origins=origins)) as url:
        opened = connect(address(url), origin=url if origin == "SELF" else origin)  # type: ignore[arg-type]
        if is_allowed:
            async with opened as socket:
                await say(socket, **CONFIG)
                await message(socket, "session.configured")
        else:
            with pytest.raises(InvalidStatus):
                await opened


async def test_a_get_explains_the_websocket(service: NotedService) -> None:
    async with client_of(service) as client:
        answer: httpx.Response = await client.get(PATH)
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert answer.json()["error"]["code"] == "upgrade_required"
    assert "input.cancel" in answer.json()["messages"]["client"]
