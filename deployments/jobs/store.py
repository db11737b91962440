"""The audio of parts: one FLAC a part, named by the part's key."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from deployments.xcodec2.protocol import SAMPLE_RATE

_TOTAL: Final = slice(21, 26)
"""Bytes of a FLAC whose last 36 bits are the number of its samples (RFC 9639, section 8.2)."""


@dataclass(frozen=True, slots=True)
class PartStore:
    """A folder. A file in it is complete: its name is given to it last. The methods block."""

    folder: Path

    def path(self, key: str) -> Path:
        """Returns where the audio of a part is, or will be."""
        return self.folder / key[:2] / f"{key}.flac"

    def seconds(self, key: str) -> float | None:
        """Returns the duration of a part; None if it has no audio."""
        try:
            with self.path(key).open("rb") as file:
                head = file.read(_TOTAL.stop)
        except FileNotFoundError:
            return None
        return (int.from_bytes(head[_TOTAL]) & (2**36 - 1)) / SAMPLE_RATE

    def read(self, key: str) -> bytes:
        """Returns the audio of a part.

        Raises:
            OSError: there is none.
        """
        return self.path(key).read_bytes()

    def write(self, key: str, flac: bytes) -> None:
        """Stores the audio of a part."""
        write_atomically(self.path(key), flac)

    def size(self, keys: Iterable[str]) -> int:
        """Returns the bytes of the audio of some parts."""
        return total_size(self.path(key) for key in keys)

    def delete(self, key: str) -> None:
        """Deletes the audio of a part, if there is any."""
        self.path(key).unlink(missing_ok=True)

    def sweep(self, keys: Collection[str]) -> None:
        """Deletes all audio but that of these parts, and what a killed process left unfinished."""
        for path in self.folder.glob("*/*"):
            if path.suffix == ".part" or path.stem not in keys:
                path.unlink(missing_ok=True)


def total_size(paths: Iterable[Path]) -> int:
    """Returns the bytes of those of the files that exist."""
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file that exists either whole or not at all, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{uuid4().hex}.part")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
