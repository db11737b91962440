"""Jobs of a service over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from cli.client import RestClient
from deployments.errors import InvalidInput
from deployments.jobs.outline import Outline
from deployments.jobs.protocol import FileFormat, Job
from deployments.service.job_desk import JobAction, LongRequest

_JOB: Final = TypeAdapter(Job)
_JOBS: Final = TypeAdapter(list[Job])


@dataclass(frozen=True, slots=True)
class RestJobs:
    """`JobDesk` of a service. Whose jobs they are, its key says."""

    client: RestClient

    async def outline(self, request: LongRequest) -> Outline:
        return await self.client.outline(request.params, request.document, request.name)

    async def create(self, client: str, request: LongRequest) -> Job:
        if request.clip and request.clip.url is not None:
            raise InvalidInput("A job takes a clip as a file, not as a URL.", "audio_url")
        fields = {
            "response_format": request.response_format,
            "title": request.title,
            "author": request.author,
            "loudness": request.loudness,
            "chapters": ",".join(map(str, request.chapters)) if request.chapters is not None else None,
        }
        sent = await self.client.create_job(request.params, request.clip, fields, request.document, request.name)
        return _JOB.validate_python(sent)

    async def list(self, client: str) -> list[Job]:
        return _JOBS.validate_python(await self.client.jobs())

    async def get(self, client: str, id: str) -> Job:
        return _JOB.validate_python(await self.client.job(id))

    async def change(self, client: str, id: str, action: JobAction) -> Job:
        if action == "delete":
            return _JOB.validate_python(await self.client.delete_job(id))
        return _JOB.validate_python(await self.client.change_job(id, action))

    async def audio(
        self, client: str, id: str, format: FileFormat | None, chapter: int | None
    ) -> AsyncGenerator[bytes, None]:
        async for block in self.client.job_audio(id, format, chapter=chapter):
            yield block
