"""The folder in which copies of spoken files are kept, where the operator wants them."""

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
    """After which a copy is deleted; None: never."""

    @classmethod
    def of(cls, settings: Settings) -> "Outputs | None":
        """The folder that the settings name, if any."""
        return cls(settings.outputs_dir.expanduser(), settings.outputs_days) if settings.outputs_dir else None

    def keep(self, data: bytes, suffix: str) -> Path:
        """Writes a file under a name of its own: the time in UTC, then what no other file has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:12]}{suffix}"
        try:
            with path.open("xb") as file:
                file.write(data)
        except OSError:
            path.unlink(missing_ok=True)  # of a full disk nothing half is left
            raise
        return path

    def read(self, name: str) -> bytes | None:
        """A copy by its name; None if there is none, as for any name that no copy could have."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _sweep(self) -> None:
        """Deletes copies that are too old, and nothing else that may lie in the folder."""
        if self.days is None:
            return
        oldest = time.time() - self.days * _DAY
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another replica may be deleting the same
                if _NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
                    path.unlink()


async def read_output(settings: Settings, name: str) -> bytes:
    """A copy by its name.

    Raises:
        NotFound: there is none of that name, or none are kept.
    """
    outputs = Outputs.of(settings)
    data = await asyncio.to_thread(outputs.read, name) if outputs else None
    if data is None:
        raise NotFound(f"There is no output {name[:100]!r}: it was deleted, or never kept.", "name")
    return data


def outputs_for(settings: Settings, *, keep: bool) -> Outputs | None:
    """Where a copy goes.

    Raises:
        InvalidInput: one is to be kept, and this service keeps none.
    """
    outputs = Outputs.of(settings)
    if keep and not outputs:
        raise InvalidInput(
            "No copies of speech are kept here, as OUTPUTS_DIR is not set: take the audio itself.", "keep"
        )
    return outputs
