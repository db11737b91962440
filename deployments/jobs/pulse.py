"""Wakes all who wait for a change."""

import asyncio
from contextlib import suppress


class Pulse:
    """A condition without a lock, for one event loop."""

    def __init__(self) -> None:
        self._beat = asyncio.Event()

    def beat(self) -> None:
        """Wakes all who wait."""
        self._beat.set()
        self._beat = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """The next beat. Take it before looking at what may have changed."""
        return self._beat

    @staticmethod
    async def wait(beat: asyncio.Event, seconds: float) -> None:
        """Waits for a beat, but not longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await beat.wait()
