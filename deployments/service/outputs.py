"""Stores copies of speech in a folder, if the operator wants them."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from deployments.errors import InvalidInput, NotFound
from deployments.settings import Settings

_DAY: Final = 86_400
_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The folder. Its methods block."""

    folder: Path
    days: float | None = None
    """Days after which a copy is deleted; None: never."""

    @classmethod
    def of(cls, settings: Settings) -> "Outputs | None":
        """Returns the folder of the settings, if any."""
        return cls(settings.outputs_dir.expanduser(), settings.outputs_days) if settings.outputs_dir else None

    def keep(self, data: bytes, suffix: str) -> Path:
        """Writes a file under a new name: the time in UTC, then a unique suffix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:12]}{suffix}"
        try:
            with path.open("xb") as file:
                file.write(data)
        except OSError:
            path.unlink(missing_ok=True)  # removes the partial file if the disk is full
            raise
        return path

    def read(self, name: str) -> bytes | None:
        """Returns a copy by its name; None if it does not exist or the name is invalid."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _sweep(self) -> None:
        """Deletes copies that are too old, and no other files in the folder."""
        if self.days is None:
            return
        oldest = time.time() - self.days * _DAY
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another replica may be deleting the same file
                if _NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
                    path.unlink()


async def read_output(settings: Settings, name: str) -> bytes:
    """Returns a copy by its name.

    Raises:
        NotFound: no such copy exists, or the service stores none.
    """
    outputs = Outputs.of(settings)
    data = await asyncio.to_thread(outputs.read, name) if outputs else None
    if data is None:
        raise NotFound(f"There is no output {name[:100]!r}: it was deleted or never existed.", "name")
    return data


def outputs_for(settings: Settings, *, keep: bool) -> Outputs | None:
    """Returns where to store a copy.

    Raises:
        InvalidInput: a copy is requested, but this service stores none.
    """
    outputs = Outputs.of(settings)
    if keep and not outputs:
        raise InvalidInput(
            "This service stores no copies of speech, as OUTPUTS_DIR is not set: use the audio itself.", "keep"
        )
    return outputs
