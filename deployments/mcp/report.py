"""Progress of a call, told in words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.mcpserver import Context

EVERY_S: Final = 10.0
"""Assistants give up a call of which they hear nothing for long; a model may take minutes to load."""


class Report:
    """Tells an assistant what is being done for it."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._told = 0
        self._last = "Waiting"

    async def tell(self, line: str) -> None:
        """Tells the next stage."""
        self._last = line
        self._told += 1
        await self._context.report_progress(self._told, None, line)

    async def repeat(self) -> None:
        """Tells the last one again and again."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.tell(self._last)


@asynccontextmanager
async def reporting(context: Context[Any, Any]) -> AsyncIterator[Report]:
    """One that repeats itself for as long as nothing new happens."""
    report = Report(context)
    repeating = asyncio.create_task(report.repeat())
    try:
        yield report
    finally:
        repeating.cancel()
        await asyncio.gather(repeating, return_exceptions=True)
