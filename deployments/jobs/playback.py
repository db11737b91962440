"""Plays a job while it is spoken, from its beginning."""

import asyncio
from dataclasses import dataclass, field

from deployments.audio.encoder import Container, open_container
from deployments.jobs.files import JobFiles
from deployments.jobs.formats import StreamFormat
from deployments.jobs.records import Recorded, missing


@dataclass(slots=True)
class Playback:
    """The sound of a job or of a chapter, so far.

    Args:
        files: The files of jobs.
        job: The job.
        chapter: From 1; None: all.
        format: Format of the stream.
    """

    files: JobFiles
    job: str
    chapter: int | None
    format: StreamFormat
    whole: bool = field(default=False, init=False)
    """Whether `next` has returned all of it."""
    _parts: list[Recorded] = field(default_factory=list, init=False)
    """Those that were spoken at the last look."""
    _complete: bool = field(default=False, init=False)
    """Whether they are all."""
    _played: int = field(default=0, init=False)
    _container: Container | None = field(default=None, init=False)

    async def next(self) -> bytes | None:
        """Returns the bytes of the next part; None if no further part is spoken yet.

        Raises:
            NotFound: there is no such job or chapter.
            Conflict: the job transcribes.
        """
        return await asyncio.to_thread(self._next)

    async def close(self) -> bytes:
        """Returns the last bytes."""
        return await asyncio.to_thread(self._container.close) if self._container else b""

    def _next(self) -> bytes | None:
        from deployments.jobs.sound import pieces

        if self._played == len(self._parts):
            book, self._parts, self._complete = self.files.begun(self.job, self.chapter)
            self._container = self._container or open_container(self.format, book.sample_rate)
            if self._played == len(self._parts):
                return None
        container = self._container
        assert container  # noqa: S101 - opened with the first look
        part = self._parts[self._played]
        self._played += 1
        self.whole = self._complete and self._played == len(self._parts)
        try:
            return b"".join([container.write(wav) for wav in pieces([(part, self.files.store.path(part.key))])])
        except FileNotFoundError:
            raise missing(self.job) from None  # it was deleted meanwhile
