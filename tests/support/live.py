"""A client of live sessions, in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from deployments.service.live import LiveSession
from tests.support.noted import NotedService
from tests.support.scripted import PATIENCE

CONFIG = {"type": "session.config", "voice": "alloy"}
TEXT = "Good morning everyone, this is the first sentence. Here is the second one."


class Talk:
    """A client of one session, in memory."""

    def __init__(self, service: NotedService, client: str | None = "me", **options: Any) -> None:
        self.inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue()
        self.hold = asyncio.Event()
        self.hold.set()
        """Cleared: the client does not read."""
        session = LiveSession(service, self.inbox.get, self._send, client, **options)
        self.ended = asyncio.create_task(session.run())

    async def _send(self, message: Mapping[str, Any] | bytes) -> None:
        await self.hold.wait()
        self.outbox.put_nowait(message if isinstance(message, bytes) else json.loads(json.dumps(message)))

    def say(self, type: str, **fields: Any) -> None:
        self.inbox.put_nowait(json.dumps({"type": type, **fields}))

    def configure(self, **fields: Any) -> None:
        self.say(**CONFIG | fields)

    async def heard(self, kind: str) -> list[dict[str, Any] | bytes]:
        """What came up to and with a message of this kind."""
        found: list[dict[str, Any] | bytes] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.outbox.get()
                found.append(message)
                if isinstance(message, dict) and message["type"] == kind:
                    return found

    async def message(self, kind: str) -> dict[str, Any]:
        message = (await self.heard(kind))[-1]
        assert isinstance(message, dict)
        return message

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.ended


@asynccontextmanager
async def talk(service: NotedService, client: str | None = "me", **options: Any) -> AsyncIterator[Talk]:
    talk = Talk(service, client, **options)
    try:
        yield talk
    finally:
        talk.hold.set()
        talk.inbox.put_nowait(None)
        await talk.code()
        assert service.admission.running == 0
