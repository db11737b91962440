"""A live session through Serve's proxy, on a real local Ray."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from tests.support.service import LONG, Running

pytestmark = pytest.mark.cluster


async def test_a_barge_in_through_the_proxy_frees_the_engine(running: Running) -> None:
    async with connect(running.url.replace("http", "ws", 1) + "/v1/audio/speech/stream") as socket:
        for message in (
            {"type": "session.config", "voice": "alloy"},
            {"type": "input.text", "text": f"{LONG} " * 20},
        ):
            await socket.send(json.dumps(message))
        await running.engine_has(1, within=60)
        await socket.send(json.dumps({"type": "input.cancel"}))
        async with asyncio.timeout(60):
            while json.loads(text if isinstance(text := await socket.recv(), str) else "{}").get("cancelled") is None:
                pass
        await running.engine_is_empty(within=5)
        await socket.send(json.dumps({"type": "session.close"}))
        async with asyncio.timeout(60):
            await socket.wait_closed()
        assert socket.close_code == 1000


async def test_a_client_that_is_gone_frees_the_engine_behind_the_proxy(running: Running) -> None:
    async with connect(running.url.replace("http", "ws", 1) + "/v1/audio/speech/stream") as socket:
        await socket.send(json.dumps({"type": "session.config", "voice": "alloy"}))
        await socket.send(json.dumps({"type": "input.text", "text": f"{LONG} " * 20}))
        await running.engine_has(1, within=60)
    await running.engine_is_empty(within=5)
