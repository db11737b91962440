"""Progress reports of a tool call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.mcpserver import Context

EVERY_S: Final = 10.0
"""Assistants abandon a call without progress; a model may take minutes to load."""


class Report:
    """Reports progress to an assistant."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._sent = 0
        self._last = "Waiting"

    async def send(self, line: str) -> None:
        """Reports the next stage."""
        self._last = line
        self._sent += 1
        await self._context.report_progress(self._sent, None, line)

    async def repeat(self) -> None:
        """Repeats the last report at intervals."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.send(self._last)


@asynccontextmanager
async def reporting(context: Context[Any, Any]) -> AsyncIterator[Report]:
    """Repeats the last progress message until a new one arrives."""
    report = Report(context)
    repeating = asyncio.create_task(report.repeat())
    try:
        yield report
    finally:
        repeating.cancel()
        await asyncio.gather(repeating, return_exceptions=True)
