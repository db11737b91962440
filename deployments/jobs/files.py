"""The files of jobs: parts joined to chapters and books."""

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from deployments.errors import Conflict, InvalidInput, NotFound
from deployments.jobs.journal import Journal
from deployments.jobs.protocol import MEDIA_TYPES, AudioFile, BookFormat
from deployments.jobs.records import missing
from deployments.jobs.store import PartStore

_LONGEST_WAV: Final = 2**32 - 2**16
"""Bytes: the header has 32 bits for the size."""


@dataclass(frozen=True, slots=True)
class AudioFiles:
    """A folder with one folder a job. A file is written when it is first asked for."""

    folder: Path
    journal: Journal
    store: PartStore
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a file is written: one at a time, so that few cores are taken from speech."""

    async def write(self, job: str, format: BookFormat | None, chapter: int | None) -> AudioFile:
        """Returns the file of a job or of a chapter, once it is complete; see `JobBoard.audio`."""
        async with self.lock:
            return await asyncio.to_thread(self._write, job, format, chapter)

    def read(self, job: str, name: str, start: int, length: int) -> bytes:
        """Returns bytes of a file; fewer at its end."""
        try:
            with (self.folder / job / Path(name).name).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except FileNotFoundError:
            raise missing(job) from None

    def delete(self, job: str) -> None:
        """Deletes the files of a job."""
        shutil.rmtree(self.folder / job, ignore_errors=True)

    def _write(self, job: str, format: BookFormat | None, chapter: int | None) -> AudioFile:
        from deployments.jobs.joining import join

        book = self.journal.book(job)
        format = format or book.format
        if chapter is not None and not 1 <= chapter <= len(book.titles):
            raise NotFound(f"The job has {len(book.titles)} chapters.", "chapter")
        parts = self.journal.recorded(job, chapter)
        if parts is None:
            of = "the text" if chapter is None else "the chapter"
            raise Conflict(f"Not all of {of} is spoken yet.", "id" if chapter is None else "chapter")
        seconds = sum(part.before + part.seconds + part.pause for part in parts)
        if format == "wav" and 2 * seconds * book.sample_rate > _LONGEST_WAV:
            raise InvalidInput("A WAV cannot be longer than 4 GB: choose another format, or get it by chapters.")
        path = self.folder / job / f"{chapter or 'book'}.{format}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{uuid4().hex}.part")
            try:
                join(unfinished, format, book, [(part, self.store.path(part.key)) for part in parts], chapter)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        return AudioFile(path.name, path.stat().st_size, MEDIA_TYPES[format])
