"""The files of jobs: parts joined to chapters and books, and their captions."""

import asyncio
import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from deployments.audio.meter import Loudness
from deployments.errors import Conflict, NotFound
from deployments.jobs.formats import MEDIA_TYPES, FileFormat
from deployments.jobs.journal import Journal
from deployments.jobs.protocol import JobFile
from deployments.jobs.records import Book, Recorded, missing
from deployments.jobs.store import PartStore, total_size
from deployments.jobs.timing import fitted


@dataclass(frozen=True, slots=True)
class JobFiles:
    """A folder with one folder a job. A file is written when it is first asked for."""

    folder: Path
    journal: Journal
    store: PartStore
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a file is written: one at a time, so that few cores are taken from speech."""

    async def write(self, job: str, format: FileFormat | None, chapter: int | None) -> JobFile:
        """Returns the file of a job or of a chapter, once it is complete; see `JobBoard.file`."""
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

    def size(self, jobs: Iterable[str]) -> int:
        """Returns the bytes of the files of some jobs."""
        return total_size(path for job in jobs for path in (self.folder / job).glob("*"))

    def delete(self, job: str) -> None:
        """Deletes the files of a job."""
        shutil.rmtree(self.folder / job, ignore_errors=True)

    async def loudness(self, job: str, file: JobFile) -> Loudness:
        """Measures a file."""
        async with self.lock:
            return await asyncio.to_thread(self._loudness, job, file)

    def begun(self, job: str, chapter: int | None) -> tuple[Book, list[Recorded], bool]:
        """Returns a job or a chapter as far as it is spoken without a gap, and whether that is all. Blocks.

        A part with a time of its own comes when the next one is spoken, too: its rate depends on it.

        Raises:
            NotFound: there is no such job or chapter.
            Conflict: the job transcribes.
        """
        book = self._book(job, chapter)
        parts, whole = self.journal.recorded(job, chapter)
        placed = fitted(parts)
        timed = bool(parts) and parts[-1].slot_start is not None
        return book, placed if whole or not timed else placed[:-1], whole

    def _book(self, job: str, chapter: int | None) -> Book:
        book = self.journal.book(job)
        if not book.sample_rate:
            raise Conflict("The job transcribes: it has no speech. Get its transcript.", "id")
        if chapter is not None and not 1 <= chapter <= len(book.titles):
            raise NotFound(f"The job has {len(book.titles)} chapters.", "chapter")
        return book

    def _loudness(self, job: str, file: JobFile) -> Loudness:
        from deployments.jobs.sound import read

        return Loudness.of(read(self.folder / job / file.name))

    def _write(self, job: str, format: FileFormat | None, chapter: int | None) -> JobFile:
        from deployments.jobs.rendering import render

        book = self._book(job, chapter)
        format = format or book.format
        parts, whole = self.journal.recorded(job, chapter)
        if not whole:
            of = "the text" if chapter is None else "the chapter"
            raise Conflict(f"Not all of {of} is spoken yet.", "id" if chapter is None else "chapter")
        parts = fitted(parts)
        # Another name once a part of it is made again.
        content = hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
        path = self.folder / job / f"{chapter or 'book'}-{content}.{format}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{uuid4().hex}.part")
            try:
                render(unfinished, format, book, [(part, self.store.path(part.key)) for part in parts], chapter)
                unfinished.replace(path)
            except FileNotFoundError:
                raise missing(job) from None  # it was deleted meanwhile
            finally:
                unfinished.unlink(missing_ok=True)
        return JobFile(path.name, path.stat().st_size, MEDIA_TYPES[format])
