"""The folder in which copies of spoken files are kept, where the operator wants them."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

_DAY: Final = 86_400
_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The folder. Its methods block."""

    folder: Path
    days: float | None = None
    """After which a copy is deleted; None: never."""

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
