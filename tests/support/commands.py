"""Commands of `llasa-serve`, run in this process."""

import asyncio
import contextlib
import io
from pathlib import Path

from cli.__main__ import main


async def run_in_thread(*arguments: str | Path) -> str:
    """Runs a command that must succeed, and returns what it wrote to stderr."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error):
        status = await asyncio.to_thread(main, [str(argument) for argument in arguments])
    assert status == 0, error.getvalue()
    return error.getvalue()
