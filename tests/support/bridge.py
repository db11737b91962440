"""The stdio bridge of the assistants' tools, as a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters


@asynccontextmanager
async def bridge(url: str, folder: Path, mode: str = "auto") -> AsyncIterator[Client]:
    arguments = ["-m", "cli", "mcp", "--url", url, "--allow", str(folder)]
    async with asyncio.timeout(120):
        async with Client(StdioServerParameters(command=sys.executable, args=arguments), mode=mode) as client:
            yield client
