"""The jobs of all clients, in one process."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from deployments.audio.meter import Loudness
from deployments.errors import Conflict, Overloaded
from deployments.jobs.files import JobFiles
from deployments.jobs.formats import BookFormat, FileFormat, StreamFormat
from deployments.jobs.journal import Journal
from deployments.jobs.order import JobOrder
from deployments.jobs.plan import Part, split
from deployments.jobs.playback import Playback
from deployments.jobs.protocol import Job, JobEvent, JobFile, State
from deployments.jobs.pulse import Pulse
from deployments.jobs.recordings import TranscriptionOrder
from deployments.jobs.records import missing
from deployments.jobs.runner import Runner, backoff
from deployments.jobs.speaker import Speaker
from deployments.jobs.store import PartStore
from deployments.settings import Settings
from deployments.whisper.protocol import Transcript

logger = logging.getLogger(__name__)

STOPPABLE: Final[tuple[State, ...]] = ("queued", "running")
"""States in which parts may be spoken."""
PAUSED: Final[tuple[State, ...]] = ("paused",)
_DAY: Final = 86_400
_SWEEP_S: Final = 3_600
_LONGEST_WAIT: Final = 20.0
_RETRY_S: Final = 60
_BLOCK: Final = 1 << 20
"""Bytes."""


class Jobs:
    """`JobBoard` in this process, and the runner that speaks.

    Args:
        folder: Holds the journal, the parts and the files.
        speaker: Speaks.
        most: Maximum unfinished jobs of a client.
        most_bytes: Bytes of audio with which a client may create no further jobs.
        days: Days that a job is kept after its last change.
        at_once: Maximum parts that are spoken at once.
        delay: Returns the seconds before a further attempt at a part.
    """

    def __init__(
        self,
        folder: Path,
        speaker: Speaker,
        most: int = 100,
        days: float = 30,
        at_once: int = 1,
        delay: Callable[[int], float] = backoff,
        most_bytes: float = math.inf,
    ) -> None:
        self._most_bytes = most_bytes
        self._journal = Journal(folder / "journal.sqlite")
        self._store = PartStore(folder / "parts")
        self._recordings = PartStore(folder / "recordings")
        self._files = JobFiles(folder / "files", self._journal, self._store)
        self._pulse = Pulse()
        self._runner = Runner(self._journal, self._store, self._recordings, speaker, self._pulse, at_once, delay)
        self._most = most
        self._days = days
        self._lock = asyncio.Lock()
        """Held while a state changes, so that changes do not overtake each other."""
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def of(cls, settings: Settings, speaker: Speaker, at_once: int = 1) -> Self:
        """Opens the folder of the settings."""
        return cls(
            settings.jobs_dir.expanduser(),
            speaker,
            settings.max_jobs,
            settings.jobs_days,
            at_once,
            most_bytes=settings.max_jobs_mb * 1_000_000,
        )

    async def start(self) -> None:
        """Begins to speak what is left to speak."""
        keys = await asyncio.to_thread(self._journal.keys)
        for store in (self._store, self._recordings):
            await asyncio.to_thread(store.sweep, keys)
        self._tasks = [asyncio.create_task(self._runner.run()), asyncio.create_task(self._sweep())]

    async def close(self) -> None:
        """Stops. A later process goes on from here."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._journal.close()

    def check_health(self) -> None:
        """Raises the error of a runner that has died."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def create(self, owner: str, order: JobOrder | TranscriptionOrder) -> Job:
        if isinstance(order, TranscriptionOrder):
            async with self._lock:  # another job with this recording must not be deleted meanwhile
                job = await asyncio.to_thread(self._create_transcription, owner, order)
        else:
            job = await asyncio.to_thread(self._create_speech, owner, order)
        self._runner.wake()
        return job

    async def list(self, owner: str) -> list[Job]:
        return await asyncio.to_thread(self._journal.jobs, owner)

    async def get(self, owner: str, id: str) -> Job:
        return await asyncio.to_thread(self._journal.get, owner, id)

    async def pause(self, owner: str, id: str) -> Job:
        def paused() -> bool:
            return self._journal.change(id, "paused", STOPPABLE)

        return await self._changed(owner, id, paused, stop=True)

    async def resume(self, owner: str, id: str) -> Job:
        def resumed() -> bool:
            return self._journal.change(id, "running", ()) or self._journal.change(id, "queued", PAUSED)

        return await self._changed(owner, id, resumed)

    async def retry(self, owner: str, id: str) -> Job:
        return await self._changed(owner, id, lambda: self._journal.reopen(id))

    async def delete(self, owner: str, id: str) -> Job:
        async with self._lock:
            job = await self.get(owner, id)
            await self._delete(id)
        self._pulse.beat()
        return replace(job, state="cancelled")

    async def events(self, owner: str, id: str, after: int = 0, wait_s: float = 0) -> tuple[JobEvent, ...]:
        deadline = asyncio.get_running_loop().time() + min(wait_s, _LONGEST_WAIT)
        while True:
            beat = self._pulse.next
            await self.get(owner, id)
            events = await asyncio.to_thread(self._journal.events, id, after)
            left = deadline - asyncio.get_running_loop().time()
            if events or left <= 0:
                return events
            await self._pulse.wait(beat, left)

    async def file(self, owner: str, id: str, format: FileFormat | None, chapter: int | None) -> JobFile:
        await self.get(owner, id)
        return await self._files.write(id, format, chapter)

    async def loudness(self, owner: str, id: str, format: BookFormat | None, chapter: int | None) -> Loudness:
        file = await self.file(owner, id, format, chapter)
        return await self._files.loudness(id, file)

    async def transcript(self, owner: str, id: str) -> Transcript:
        job = await self.get(owner, id)
        if job.kind != "transcription":
            raise Conflict("The job speaks: it has no transcript.", "id")
        if job.state != "done":
            raise Conflict("Not all of the recording is transcribed yet.", "id")
        found = await asyncio.to_thread(self._journal.transcript, id)
        return replace(found, warnings=(*job.warnings, *found.warnings))

    async def stream(
        self, owner: str, id: str, format: StreamFormat, chapter: int | None, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        await self.get(owner, id)
        playback = Playback(self._files, id, chapter, format)
        last = not follow
        while not playback.whole:
            beat = self._pulse.next
            data = await playback.next()
            yield data or b""
            if data is None:
                if last:
                    break
                # What was spoken before it ended is played, too.
                last = (await self.get(owner, id)).state not in STOPPABLE
                if not last:
                    await self._pulse.wait(beat, _LONGEST_WAIT)
        yield await playback.close()

    async def read(self, owner: str, id: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        await self.get(owner, id)
        while start < stop:
            data = await asyncio.to_thread(self._files.read, id, name, start, min(_BLOCK, stop - start))
            if not data:
                raise missing(id)
            start += len(data)
            yield data

    def _create_speech(self, owner: str, order: JobOrder) -> Job:
        self._check_room(owner)
        return self._journal.create(owner, order, split(owner, order), self._most)

    def _create_transcription(self, owner: str, order: TranscriptionOrder) -> Job:
        self._check_room(owner)
        keys = order.keys(owner)
        parts = [Part(1, "", key, 0, recorded=seconds) for key, seconds in zip(keys, order.durations, strict=True)]
        try:
            for key, flac in zip(keys, order.blocks, strict=True):
                self._recordings.write(key, flac)
            return self._journal.create(owner, order, parts, self._most)
        except BaseException:
            for key in {*keys} - self._journal.keys():
                self._recordings.delete(key)
            raise

    def _check_room(self, owner: str) -> None:
        ids, keys = self._journal.stored(owner)
        stored = self._store.size(keys) + self._recordings.size(keys) + self._files.size(ids)
        if stored >= self._most_bytes:
            megabytes = self._most_bytes / 1_000_000
            raise Overloaded(f"Your jobs store {megabytes:g} MB of audio or more: delete one.", None, _RETRY_S)

    async def _changed(self, owner: str, id: str, change: Callable[[], bool], *, stop: bool = False) -> Job:
        async with self._lock:
            job = await self.get(owner, id)
            if not await asyncio.to_thread(change):
                raise Conflict(f"The job is {job.state}.", "id")
            if stop:
                await self._runner.stop(id)
        self._runner.wake()
        self._pulse.beat()
        return await self.get(owner, id)

    async def _delete(self, id: str) -> None:
        await asyncio.to_thread(self._journal.change, id, "paused", STOPPABLE)
        await self._runner.stop(id)
        for key in await asyncio.to_thread(self._journal.delete, id):
            for store in (self._store, self._recordings):
                await asyncio.to_thread(store.delete, key)
        await asyncio.to_thread(self._files.delete, id)

    async def _sweep(self) -> None:
        while True:
            for id in await asyncio.to_thread(self._journal.expired, self._days * _DAY):
                async with self._lock:
                    await self._delete(id)
                logger.info("Deleted %s: it has not changed for %s days", id, self._days)
            await asyncio.sleep(_SWEEP_S)
