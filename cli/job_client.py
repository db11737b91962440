"""Jobs of a running service, over HTTP."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from pydantic import TypeAdapter

from cli.client import RestClient, events_of, file_of
from deployments.audio.meter import Loudness
from deployments.errors import InvalidInput
from deployments.jobs.formats import BookFormat, FileFormat
from deployments.jobs.outline import Outline
from deployments.jobs.protocol import Job
from deployments.service.backend import Clip
from deployments.service.job_desk import JobAction, LongRecording, LongRequest
from deployments.whisper.protocol import TranscriptFormat

_JOB: Final = TypeAdapter(Job)
_JOBS: Final = TypeAdapter(list[Job])
_LOUDNESS: Final = TypeAdapter(Loudness)
_OUTLINE: Final = TypeAdapter(Outline)


@dataclass(frozen=True, slots=True)
class JobClient:
    """The jobs of a key. Its methods raise ServiceError."""

    client: RestClient

    async def outline(self, request: LongRequest) -> Outline:
        form: dict[str, str] = {"input_format": request.params.input_format}
        form |= {"input": request.params.input} if request.document is None else {}
        sent = await self.client.json("POST", "/api/jobs/outline", data=form, files=_document(request))
        return _OUTLINE.validate_python(sent)

    async def speak(self, request: LongRequest) -> Job:
        """Sends a document to be spoken, or `input` if there is none."""
        values = request.params.model_dump(mode="json", exclude_defaults=True) | {
            "response_format": request.response_format,
            "title": request.title,
            "author": request.author,
            "loudness": request.loudness,
            "chapters": None if request.chapters is None else ",".join(map(str, request.chapters)),
        }
        if request.document is not None:
            values.pop("input", None)
        files = _document(request)
        if request.clip:
            files["audio"] = ("clip", _upload(request.clip))
        return _JOB.validate_python(await self.client.json("POST", "/api/jobs", data=_form(values), files=files))

    async def transcribe(self, recording: LongRecording) -> Job:
        """Sends a recording to be transcribed."""
        fields = {"model": "whisper-1", "response_format": recording.response_format, "title": recording.title}
        form = _form(fields | {"language": recording.language})
        files = {"file": (recording.name or "recording", _upload(recording.clip))}
        sent = await self.client.json("POST", "/v1/audio/transcriptions/long", data=form, files=files)
        return _JOB.validate_python(sent)

    async def transcript(self, id: str, format: TranscriptFormat) -> str:
        async with self.client.answer("GET", f"{_path(id)}/transcript", params={"format": format}) as answer:
            return (await answer.aread()).decode()

    async def list(self) -> list[Job]:
        async with self.client.answer("GET", "/api/jobs") as answer:
            return _JOBS.validate_json(await answer.aread())

    async def get(self, id: str) -> Job:
        return _JOB.validate_python(await self.client.json("GET", _path(id)))

    async def change(self, id: str, action: JobAction) -> Job:
        method, path = ("DELETE", _path(id)) if action == "delete" else ("POST", f"{_path(id)}/{action}")
        return _JOB.validate_python(await self.client.json(method, path))

    async def events(self, id: str, after: int = 0) -> AsyncGenerator[dict[str, Any], None]:
        """Yields the events of a job after a number, until it ends."""
        async with self.client.answer("GET", f"{_path(id)}/events", params={"after": str(after)}) as answer:
            async for data in events_of(answer):
                yield data

    async def loudness(self, id: str, format: BookFormat) -> Loudness:
        sent = await self.client.json("GET", f"{_path(id)}/loudness", params={"format": format})
        return _LOUDNESS.validate_python(sent)

    async def audio(
        self, id: str, format: FileFormat | None, chapter: int | None = None, start: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """Yields a file of a job from a byte on."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        params = {name: str(value) for name, value in (("format", format), ("chapter", chapter)) if value}
        async with self.client.answer("GET", f"{_path(id)}/audio", params=params, headers=headers) as answer:
            async for block in answer.aiter_bytes():
                yield block


def _path(id: str) -> str:
    return f"/api/jobs/{quote(id, safe='')}"


def _document(request: LongRequest) -> dict[str, tuple[str, Any]]:
    return {} if request.document is None else {"file": (request.name, request.document)}


def _upload(clip: Clip) -> bytes:
    if clip.url is not None:
        raise InvalidInput("A job takes a clip as a file, not as a URL.", "audio_url")
    return file_of(clip)


def _form(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
