"""`JobDesk` over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from cli.job_client import JobClient
from deployments.jobs.formats import FileFormat
from deployments.jobs.outline import Outline
from deployments.jobs.protocol import Job
from deployments.service.job_desk import JobAction, LongRecording, LongRequest
from deployments.service.transcription import TextFormat


@dataclass(frozen=True, slots=True)
class RestJobs:
    """Jobs of a service. Whose jobs they are, its key says: the names of clients have no effect."""

    jobs: JobClient

    async def outline(self, request: LongRequest) -> Outline:
        return await self.jobs.outline(request)

    async def create(self, client: str, request: LongRequest) -> Job:
        return await self.jobs.speak(request)

    async def transcribe(self, client: str, recording: LongRecording) -> Job:
        return await self.jobs.transcribe(recording)

    async def transcript(self, client: str, id: str, format: TextFormat) -> str:
        return await self.jobs.transcript(id, format)

    async def list(self, client: str) -> list[Job]:
        return await self.jobs.list()

    async def get(self, client: str, id: str) -> Job:
        return await self.jobs.get(id)

    async def change(self, client: str, id: str, action: JobAction) -> Job:
        return await self.jobs.change(id, action)

    async def audio(
        self, client: str, id: str, format: FileFormat | None, chapter: int | None
    ) -> AsyncGenerator[bytes, None]:
        async for block in self.jobs.audio(id, format, chapter):
            yield block
