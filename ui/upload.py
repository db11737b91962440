"""A file that a visitor has brought."""

import asyncio
from pathlib import Path

from deployments.errors import InvalidAudio
from deployments.service.requests import Clip


async def read(path: str | None) -> Clip:
    """The clip in it.

    Raises:
        InvalidAudio: there is none.
    """
    if not path:
        raise InvalidAudio("There is no recording: upload one, or record one.")
    return Clip(await asyncio.to_thread(Path(path).read_bytes))
