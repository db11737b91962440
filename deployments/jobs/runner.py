"""Speaks and transcribes the parts of jobs, one after the other or a few at once."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from deployments.errors import Overloaded, ServiceError, TimedOut, Unavailable
from deployments.jobs.drift import measured
from deployments.jobs.journal import Journal
from deployments.jobs.pulse import Pulse
from deployments.jobs.recordings import BlockOrder
from deployments.jobs.records import Spoken, Waiting
from deployments.jobs.speaker import PartOrder, RecordedPart, Speaker
from deployments.jobs.store import PartStore

logger = logging.getLogger(__name__)

_TRANSIENT: Final = (Unavailable, Overloaded, TimedOut, OSError, sqlite3.Error)
_ATTEMPTS: Final = 20
"""Attempts at a part while the service cannot speak, in about a quarter of an hour."""


def backoff(attempt: int) -> float:
    """Returns the seconds before a further attempt."""
    return float(min(60, 2**attempt))


class Runner:
    """Speaks whatever part is next, until it is stopped.

    Args:
        journal: Says which part is next.
        store: Receives the audio.
        recordings: Holds what is transcribed.
        speaker: Speaks.
        at_once: Maximum parts that are spoken at once.
        pulse: Beats after each change of a job.
        delay: Returns the seconds before a further attempt.
    """

    def __init__(
        self,
        journal: Journal,
        store: PartStore,
        recordings: PartStore,
        speaker: Speaker,
        pulse: Pulse,
        at_once: int = 1,
        delay: Callable[[int], float] = backoff,
    ) -> None:
        self._journal = journal
        self._store = store
        self._recordings = recordings
        self._speaker = speaker
        self._pulse = pulse
        self._at_once = at_once
        self._delay = delay
        self._served: dict[str, float] = {}
        self._running: dict[str, tuple[str, asyncio.Task[None]]] = {}
        """The job and the task of each part that is being spoken, by its key."""
        self._wake = asyncio.Event()
        self._choosing = asyncio.Lock()
        """Held from the choice of a part until its task exists, so that no part is begun after `stop`."""

    def wake(self) -> None:
        """Makes it look for parts."""
        self._wake.set()

    async def run(self) -> None:
        """Speaks parts until it is cancelled."""
        try:
            while True:
                self._wake.clear()
                while len(self._running) < self._at_once and await self._begin():
                    self._pulse.beat()
                await self._wake.wait()
        finally:
            await self._cancel([task for _, task in self._running.values()])

    async def stop(self, job: str) -> None:
        """Stops the parts of a job that are being spoken."""
        async with self._choosing:
            tasks = [task for job_id, task in self._running.values() if job_id == job]
        await self._cancel(tasks)

    async def _begin(self) -> bool:
        async with self._choosing:
            part = await asyncio.to_thread(self._journal.next_part, [*self._running], self._served)
            if part is None:
                return False
            self._served[part.owner] = time.monotonic()
            task = asyncio.create_task(self._make(part))
            self._running[part.key] = part.job, task
        task.add_done_callback(lambda _: self._ended(part.key))
        return True

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: str) -> None:
        del self._running[key]
        self._pulse.beat()
        self._wake.set()

    async def _make(self, part: Waiting) -> None:
        problem: Exception | None = None
        for attempt in range(_ATTEMPTS):
            began = time.monotonic()
            try:
                if not isinstance(part.order, PartOrder):
                    flac = await asyncio.to_thread(self._recordings.read, part.key)
                    heard = await self._speaker.hear_block(BlockOrder(flac, part.order))
                    await _finished(self._journal.heard, part.job, part.key, heard, time.monotonic() - began)
                # A part may have been made for another job, or just before the service was killed.
                elif await asyncio.to_thread(self._store.seconds, part.key) is not None:
                    await _finished(self._write, part, part.order, None, None)
                else:
                    recorded = await self._speaker.record(part.order)
                    took = (time.monotonic() - began) / self._at_once
                    await _finished(self._write, part, part.order, recorded, took)
                return
            except _TRANSIENT as error:
                problem = error
                message = error.message if isinstance(error, ServiceError) else f"The disk cannot be written: {error}."
                logger.warning("A part of %s waits: %s", part.job, message)
                with suppress(sqlite3.Error):
                    await asyncio.to_thread(self._journal.report, part.job, message)
                self._pulse.beat()
                await asyncio.sleep(self._delay(attempt))
            except ServiceError as error:
                problem = error
                break
            except Exception as error:  # one bad part must not end the runner
                logger.exception("A part of %s failed", part.job)
                problem = error
                break
        message = problem.message if isinstance(problem, ServiceError) else "An internal error: see the service's log."
        await asyncio.to_thread(self._journal.fail, part.job, part.key, message)

    def _write(self, part: Waiting, order: PartOrder, recorded: RecordedPart | None, took: float | None) -> None:
        """Stores the audio, measures it, and says so in the journal."""
        if recorded:
            self._store.write(part.key, recorded.flac)
        warnings = recorded.warnings if recorded else ()
        prosody = measured(self._store.path(part.key), order)
        seconds = self._store.seconds(part.key) or 0.0
        self._journal.finish(part.job, part.key, Spoken(seconds, took, prosody, warnings))


async def _finished(write: Callable[..., None], *args: Any) -> None:
    """Writes in a thread. Goes on when it is cancelled, and ends before the task does."""
    writing = asyncio.ensure_future(asyncio.to_thread(write, *args))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise
