"""Tracks the models that work in progress needs, so that none of them is unloaded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

HEARTBEAT_S: Final = 5.0
"""Seconds between publications of the holds: a process that has died stops publishing."""


class Holds:
    """The holds of one process.

    Args:
        publish: Publishes the holds of this process; called in a thread, never concurrently.
    """

    def __init__(self, publish: Callable[[Sequence[str]], None]) -> None:
        self._publish = publish
        self._counts = Counter[str]()
        self._published: list[str] = []
        self._publishing = asyncio.Lock()
        self._tasks = set[asyncio.Task[None]]()
        self._heart: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def of(self, models: Sequence[str]) -> AsyncIterator[None]:
        """Holds models; the hold is published before the body runs."""
        self._counts.update(models)
        try:
            await self._make_known()
            if self._heart is None:
                self._heart = asyncio.create_task(self._beat())
            yield
        finally:
            self._counts.subtract(models)
            # Not awaited: the holder may be cancelled, and cannot wait then.
            task = asyncio.create_task(self._make_known())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _make_known(self, *, again: bool = False) -> None:
        async with self._publishing:
            held = sorted(+self._counts)
            if again or held != self._published:
                await asyncio.to_thread(self._publish, held)
                self._published = held

    async def _beat(self) -> None:
        while +self._counts:
            await asyncio.sleep(HEARTBEAT_S)
            await self._make_known(again=True)
        self._heart = None
