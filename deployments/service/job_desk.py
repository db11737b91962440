"""Jobs as the interfaces of the service use them: requests become orders, and each client has its own jobs."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from deployments.audio.mastering import LoudnessTarget
from deployments.jobs.formats import BookFormat, FileFormat
from deployments.jobs.manuscript import Manuscript, read_file, read_text
from deployments.jobs.order import JobOrder
from deployments.jobs.outline import Outline
from deployments.jobs.protocol import Job, JobBoard
from deployments.jobs.recordings import TranscriptionOrder
from deployments.service.backend import Clip
from deployments.service.parameters import NOT_OF_JOBS, SpeechParams
from deployments.service.transcription import TextFormat, written
from deployments.settings import Settings
from deployments.whisper.protocol import Listening, TranscriptFormat

JobAction = Literal["pause", "resume", "retry", "delete"]


@dataclass(frozen=True, slots=True)
class LongRequest:
    """What a client wants to be spoken in the background."""

    params: SpeechParams
    """`input` is spoken if there is no document."""
    document: bytes | None = None
    name: str = ""
    """File name of the document: its suffix is its format."""
    clip: Clip | None = None
    response_format: BookFormat = "m4b"
    title: str | None = None
    author: str | None = None
    loudness: LoudnessTarget | None = None
    chapters: Collection[int] | None = None
    """Numbers of the chapters to speak, from 1; None: all."""


@dataclass(frozen=True, slots=True)
class LongRecording:
    """What a client wants to be transcribed in the background."""

    clip: Clip
    name: str = ""
    """File name of the recording: the job's name if it has no title."""
    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    response_format: TranscriptFormat = "json"
    title: str | None = None

    @property
    def listening(self) -> Listening:
        """Options for Whisper. Always with words: so every format can be had, whichever is asked for here."""
        return Listening(
            language=self.language or None, prompt=self.prompt, word_timestamps=True, temperature=self.temperature
        )


class Orders(Protocol):
    """Makes the orders of jobs: a service, in this process or behind a handle."""

    async def job_order(
        self, params: SpeechParams, manuscript: Manuscript, clip: Clip | None, format: BookFormat, *, caller: str
    ) -> JobOrder: ...

    async def transcription_order(self, recording: LongRecording, *, caller: str) -> TranscriptionOrder: ...


class JobDesk(Protocol):
    """Jobs of a client. To it, jobs of others do not exist. Its methods raise ServiceError."""

    async def outline(self, request: LongRequest) -> Outline:
        """Returns what would be spoken; only the document matters, or the text and its format."""
        ...

    async def create(self, client: str, request: LongRequest) -> Job: ...

    async def transcribe(self, client: str, recording: LongRecording) -> Job: ...

    async def transcript(self, client: str, id: str, format: TextFormat) -> str:
        """Returns the transcript of a recording; see `JobBoard.transcript`."""
        ...

    async def list(self, client: str) -> list[Job]: ...

    async def get(self, client: str, id: str) -> Job: ...

    async def change(self, client: str, id: str, action: JobAction) -> Job: ...

    def audio(
        self, client: str, id: str, format: FileFormat | None, chapter: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Yields a file."""
        ...


@dataclass(frozen=True, slots=True)
class LocalJobs:
    """`JobDesk` of a service.

    Args:
        orders: Makes orders.
        board: Has the jobs.
        settings: Settings of the service.
    """

    orders: Orders
    board: JobBoard
    settings: Settings

    def owner(self, client: str) -> str:
        """Returns whose jobs a client has: without keys, all clients are one owner."""
        return client if self.settings.keys() else "anyone"

    async def outline(self, request: LongRequest) -> Outline:
        return Outline.of(await asyncio.to_thread(_manuscript, request))

    async def create(self, client: str, request: LongRequest) -> Job:
        names = SpeechParams.model_fields.keys() - set(NOT_OF_JOBS)
        params = SpeechParams.of({name: getattr(request.params, name) for name in names})
        found = await asyncio.to_thread(_manuscript, request)
        manuscript = found.only(request.chapters).named(request.title, request.author)
        order = await self.orders.job_order(params, manuscript, request.clip, request.response_format, caller=client)
        return await self.board.create(self.owner(client), replace(order, loudness=request.loudness))

    async def transcribe(self, client: str, recording: LongRecording) -> Job:
        order = await self.orders.transcription_order(recording, caller=client)
        return await self.board.create(self.owner(client), order)

    async def transcript(self, client: str, id: str, format: TextFormat) -> str:
        return written(await self.board.transcript(self.owner(client), id), format)

    async def list(self, client: str) -> list[Job]:
        return await self.board.list(self.owner(client))

    async def get(self, client: str, id: str) -> Job:
        return await self.board.get(self.owner(client), id)

    async def change(self, client: str, id: str, action: JobAction) -> Job:
        match action:
            case "pause":
                return await self.board.pause(self.owner(client), id)
            case "resume":
                return await self.board.resume(self.owner(client), id)
            case "retry":
                return await self.board.retry(self.owner(client), id)
            case "delete":
                return await self.board.delete(self.owner(client), id)

    async def audio(
        self, client: str, id: str, format: FileFormat | None, chapter: int | None
    ) -> AsyncGenerator[bytes, None]:
        file = await self.board.file(self.owner(client), id, format, chapter)
        async for block in self.board.read(self.owner(client), id, file.name, 0, file.size):
            yield block


def _manuscript(request: LongRequest) -> Manuscript:
    if request.document is not None:
        return read_file(request.document, request.name)
    return read_text(request.params.input, request.params.input_format, request.title)
