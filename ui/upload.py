"""Reads an uploaded file."""

import asyncio
from pathlib import Path

from deployments.errors import InvalidAudio
from deployments.service.backend import Clip


async def read(path: str | None) -> Clip:
    """Returns the clip in a file.

    Raises:
        InvalidAudio: there is no file.
    """
    if not path:
        raise InvalidAudio("There is no recording: upload one, or record one.")
    return Clip(await asyncio.to_thread(Path(path).read_bytes))
