"""Files that visitors download."""

import asyncio
import secrets
from pathlib import Path

from gradio.utils import get_upload_folder

_LONGEST_NAME = 60
"""Characters of a name: file systems allow 255 bytes."""


async def downloadable(name: str, suffix: str, data: bytes) -> str:
    """Writes a file among Gradio's own, which are deleted when they are old, and returns its path.

    Args:
        name: Its name, without slashes.
        suffix: Its format.
        data: Its bytes.
    """
    # Whoever knows the name of its folder may read it.
    path = Path(get_upload_folder(), secrets.token_urlsafe(16), f"{name[:_LONGEST_NAME]}.{suffix}")

    def write() -> None:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)

    await asyncio.to_thread(write)
    return str(path)
