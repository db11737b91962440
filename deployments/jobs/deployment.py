"""Jobs as a Serve deployment, jobs behind its handle, and the ingress as their speaker."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator
from typing import Any, Final, cast
from uuid import uuid4

from ray import serve
from ray.serve.handle import DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator

from deployments.audio.meter import Loudness
from deployments.errors import ReplicaLost, ServiceError, Unavailable
from deployments.jobs.formats import BookFormat, FileFormat, StreamFormat
from deployments.jobs.jobs import Jobs
from deployments.jobs.order import JobOrder
from deployments.jobs.protocol import Job, JobEvent, JobFile
from deployments.jobs.recordings import BlockOrder, TranscriptionOrder
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.log import log_beside_serve
from deployments.remote import errors_of, find_deployment
from deployments.settings import Settings
from deployments.whisper.protocol import Transcript

logger = logging.getLogger(__name__)

_RETRY_S: Final = 5
_PATIENCE_S: Final = 25.0
_LOOK_S: Final = 1.0
"""Seconds of a call that sees whether the jobs live: such calls must not delay their shutdown."""


class RemoteSpeaker:
    """`Speaker` in the ingress of this application.

    Args:
        application: Its name.
        life: Name of this process, by which the ingress sees whether it still lives.
    """

    def __init__(self, application: str, life: str) -> None:
        self._application = application
        self._life = life
        self._handle: DeploymentHandle[Any] | None = None

    async def record(self, order: PartOrder) -> RecordedPart:
        recorded: RecordedPart = await self._ask("record", order)
        return recorded

    async def hear_block(self, order: BlockOrder) -> Transcript:
        heard: Transcript = await self._ask("hear_block", order)
        return heard

    async def _ask(self, method: str, order: PartOrder | BlockOrder) -> Any:
        self._handle = self._handle or await find_deployment("Ingress", self._application)
        with errors_of("Ingress"):
            response = cast("DeploymentResponse[Any]", getattr(self._handle, method).remote(order, self._life))
            try:
                return await response
            except asyncio.CancelledError:
                response.cancel()
                raise


class RemoteJobs:
    """`JobBoard` behind a handle. What may be repeated is repeated once if the replica dies.

    Args:
        jobs: The handle, or the name of the application whose jobs they are.
    """

    def __init__(self, jobs: DeploymentHandle[Any] | str) -> None:
        self._jobs = jobs

    async def create(self, owner: str, order: JobOrder | TranscriptionOrder) -> Job:
        job: Job = await self._ask("create", owner, order)
        return job

    async def list(self, owner: str) -> list[Job]:
        jobs: list[Job] = await self._again("list", owner)
        return jobs

    async def get(self, owner: str, id: str) -> Job:
        job: Job = await self._again("get", owner, id)
        return job

    async def pause(self, owner: str, id: str) -> Job:
        job: Job = await self._again("pause", owner, id)
        return job

    async def resume(self, owner: str, id: str) -> Job:
        job: Job = await self._again("resume", owner, id)
        return job

    async def retry(self, owner: str, id: str) -> Job:
        job: Job = await self._ask("retry", owner, id)
        return job

    async def delete(self, owner: str, id: str) -> Job:
        job: Job = await self._ask("delete", owner, id)
        return job

    async def events(self, owner: str, id: str, after: int = 0, wait_s: float = 0) -> tuple[JobEvent, ...]:
        events: tuple[JobEvent, ...] = await self._again("events", owner, id, after, wait_s)
        return events

    async def file(self, owner: str, id: str, format: FileFormat | None, chapter: int | None) -> JobFile:
        file: JobFile = await self._again("file", owner, id, format, chapter)
        return file

    async def loudness(self, owner: str, id: str, format: BookFormat | None, chapter: int | None) -> Loudness:
        found: Loudness = await self._again("loudness", owner, id, format, chapter)
        return found

    async def transcript(self, owner: str, id: str) -> Transcript:
        found: Transcript = await self._again("transcript", owner, id)
        return found

    async def read(self, owner: str, id: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async for block in self._streamed("read", owner, id, name, start, stop):
            yield block

    async def end_of(self, life: str) -> None:
        """Returns when a process of the jobs has died. Sees it at once: a call waits in that process all the time."""
        while True:
            try:
                with errors_of("Jobs"):
                    if not await (await self._handle()).lives.remote(life):
                        return
            except ReplicaLost:
                return
            except ServiceError:  # it cannot be asked now
                await asyncio.sleep(_LOOK_S)

    async def stream(
        self, owner: str, id: str, format: StreamFormat, chapter: int | None, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        async for block in self._streamed("stream", owner, id, format, chapter, follow):
            yield block

    async def _streamed(self, method: str, *args: Any) -> AsyncGenerator[bytes, None]:
        with errors_of("Jobs"):
            streams: DeploymentHandle[Any] = (await self._handle()).options(method_name=method, stream=True)
            blocks = cast("DeploymentResponseGenerator[bytes]", streams.remote(*args))
            try:
                async for block in blocks:
                    yield block
            finally:
                blocks.cancel()

    async def _again(self, method: str, *args: Any) -> Any:
        try:
            return await self._ask(method, *args)
        except ReplicaLost:
            return await self._ask(method, *args)

    async def _ask(self, method: str, *args: Any) -> Any:
        with errors_of("Jobs"):
            return await (await self._handle()).ask.remote(method, *args)

    async def _handle(self) -> DeploymentHandle[Any]:
        if isinstance(self._jobs, str):
            self._jobs = await find_deployment("Jobs", self._jobs)
        return self._jobs


class JobsDeployment:
    """The one replica that writes the journal. It starts even if the folder cannot be used, and then says so."""

    async def __init__(self, settings: Settings, at_once: int) -> None:  # type: ignore[misc]
        log_beside_serve()
        self._settings = settings
        self._at_once = at_once
        self._life = uuid4().hex
        self._speaker = RemoteSpeaker(serve.get_replica_context().app_name, self._life)
        self._problem = "it is being opened"
        self._opening = asyncio.create_task(self._open())

    async def ask(self, method: str, *args: Any) -> Any:
        """Calls a method of `JobBoard`."""
        return await getattr(await self._jobs(), method)(*args)

    async def read(self, owner: str, id: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Implements `JobBoard.read`."""
        async for block in (await self._jobs()).read(owner, id, name, start, stop):
            yield block

    async def stream(
        self, owner: str, id: str, format: StreamFormat, chapter: int | None, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        """Implements `JobBoard.stream`."""
        async for block in (await self._jobs()).stream(owner, id, format, chapter, follow):
            yield block

    async def lives(self, life: str) -> bool:
        """Returns whether a process of the jobs is this one: at once if not, else after a while."""
        if life != self._life:
            return False
        await asyncio.sleep(_LOOK_S)
        return True

    async def check_health(self) -> None:
        """Called by Serve twice a second. Raises if the runner has died."""
        if self._opening.done():
            self._opening.result().check_health()

    async def _jobs(self) -> Jobs:
        await asyncio.wait([self._opening], timeout=_PATIENCE_S)
        if not self._opening.done():
            raise Unavailable(f"JOBS_DIR cannot be used: {self._problem}.", retry_after_s=_RETRY_S)
        return self._opening.result()

    async def _open(self) -> Jobs:
        while True:
            try:
                jobs = await asyncio.to_thread(Jobs.of, self._settings, self._speaker, self._at_once)
            except sqlite3.OperationalError as error:
                locked = "locked" in str(error)
                self._problem = "another process has it open" if locked else str(error)
            except OSError as error:
                self._problem = error.strerror or type(error).__name__
            else:
                await jobs.start()
                return jobs
            logger.warning("JOBS_DIR cannot be used: %s", self._problem)
            await asyncio.sleep(_RETRY_S)
