"""A client of a running service's HTTP API."""

import base64
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter

from cli.rest_errors import error_of, failure_of
from deployments.audio.encoder import MEDIA_TYPES
from deployments.errors import Unavailable
from deployments.jobs.outline import Outline
from deployments.service.backend import Clip, Residence
from deployments.service.delivery import SpeechChunk, SpeechResult
from deployments.service.parameters import SpeechParams
from deployments.service.transcription import Transcription
from deployments.synthesis.events import Finished, Progress
from deployments.synthesis.usage import Usage
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice

_TIMEOUT: Final = httpx2.Timeout(10, read=None)
"""Seconds to connect; the response may take as long as the service allows."""
_OUTLINE: Final = TypeAdapter(Outline)
_RESIDENCE: Final = TypeAdapter(Residence)


class RestClient:
    """`Backend` over HTTP.

    Args:
        url: URL of the service.
        key: API key, if required.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.AsyncClient(base_url=self._url, headers=headers, timeout=_TIMEOUT)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def speak(
        self, params: SpeechParams, clip: Clip | None = None, *, streamed: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Implements `Backend.speak`.

        Raises:
            ServiceError: the service returned it.
            Unavailable: no service answers.
        """
        file = bytearray()
        async with self._answer("POST", "/v1/audio/speech", json=_speech_body(params, clip)) as answer:
            async for data in _events(answer):
                match data["type"]:
                    case "speech.progress":
                        yield SpeechChunk(progress=Progress(data["stage"], data["part"], data["parts"]))
                    case "speech.audio.delta":
                        piece = base64.b64decode(data["audio"])
                        if streamed:
                            yield SpeechChunk(piece)
                        else:
                            file += piece
                    case "speech.audio.done":
                        result = _result(data, params, int(answer.headers["X-Sample-Rate"]))
                        yield SpeechChunk(whole_file(file, params.response_format), result=result)
                        return
                    case "speech.audio.error":
                        raise error_of(data)
        raise Unavailable("The speech broke off: try again.")

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> Transcription:
        fields = {"word_timestamps": str(words).lower()} | ({"language": language} if language else {})
        return Transcription.model_validate(await self._json("POST", "/api/transcribe", **_form(fields, clip, "audio")))

    async def output(self, name: str) -> bytes:
        async with self._answer("GET", f"/api/outputs/{_quoted(name)}") as answer:
            return await answer.aread()

    async def residence(self) -> Residence:
        async with self._answer("GET", "/api/gpu/status") as answer:
            return _RESIDENCE.validate_json(await answer.aread())

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self._json("POST", f"/api/gpu/{'release' if release else 'offload'}", params=_only(model))

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self._json("POST", "/api/gpu/timeout", params=_only(model) | {"seconds": str(seconds)})

    async def list_voices(self) -> list[Voice]:
        return [_voice(voice) for voice in (await self._json("GET", "/v1/audio/voices"))["data"]]

    async def clone_voice(
        self, name: str, clip: Clip, ref_text: str | None, consent: str, *, ref_check: ReferenceCheck | None = None
    ) -> Voice:
        wished = {"name": name, "consent": consent, "ref_text": ref_text, "ref_check": ref_check}
        fields = {field: wish for field, wish in wished.items() if wish}
        return _voice(await self._json("POST", "/v1/audio/voices", **_form(fields, clip, "audio_sample")))

    async def export_voice(self, voice: str) -> bytes:
        async with self._answer("GET", f"/v1/audio/voices/{_quoted(voice)}/bundle") as answer:
            return await answer.aread()

    async def import_voice(self, bundle: bytes, name: str | None) -> Voice:
        data, files = {"name": name} if name else {}, {"file": bundle}
        return _voice(await self._json("POST", "/v1/audio/voices/import", data=data, files=files))

    async def delete_voice(self, voice: str) -> Voice:
        found = _voice(await self._json("GET", f"/v1/audio/voices/{_quoted(voice)}"))
        await self._json("DELETE", f"/v1/audio/voices/{found.id}")
        return found

    async def outline(self, params: SpeechParams, document: bytes | None = None, name: str = "") -> Outline:
        """Returns the chapters of a document, or of `input` if there is none."""
        form = {"input_format": params.input_format} | ({"input": params.input} if document is None else {})
        files = {} if document is None else {"file": (name, document)}
        return _OUTLINE.validate_python(await self._json("POST", "/api/jobs/outline", data=form, files=files))

    async def create_job(
        self,
        params: SpeechParams,
        clip: Clip | None,
        fields: Mapping[str, Any],
        document: bytes | None = None,
        name: str = "",
    ) -> dict[str, Any]:
        """Sends a document to be spoken, or `input` if there is none; returns the job."""
        values = params.model_dump(mode="json", exclude_defaults=True) | dict(fields)
        if document is not None:
            values.pop("input", None)
        form = {key: _field(value) for key, value in values.items() if value is not None}
        files: dict[str, tuple[str, Any]] = {} if document is None else {"file": (name, document)}
        if clip:
            files["audio"] = ("clip", _bytes(clip))
        return await self._json("POST", "/api/jobs", data=form, files=files)

    async def jobs(self) -> list[dict[str, Any]]:
        """Returns all jobs, the newest first."""
        async with self._answer("GET", "/api/jobs") as answer:
            found: list[dict[str, Any]] = json.loads(await answer.aread())
        return found

    async def job(self, id: str) -> dict[str, Any]:
        return await self._json("GET", f"/api/jobs/{_quoted(id)}")

    async def change_job(self, id: str, action: Literal["pause", "resume", "retry"]) -> dict[str, Any]:
        return await self._json("POST", f"/api/jobs/{_quoted(id)}/{action}")

    async def delete_job(self, id: str) -> dict[str, Any]:
        return await self._json("DELETE", f"/api/jobs/{_quoted(id)}")

    async def job_events(self, id: str, after: int = 0) -> AsyncGenerator[dict[str, Any], None]:
        """Yields the events of a job after a number, until it ends."""
        async with self._answer("GET", f"/api/jobs/{_quoted(id)}/events", params={"after": str(after)}) as answer:
            async for data in _events(answer):
                yield data

    async def job_loudness(self, id: str, format: str) -> dict[str, Any]:
        return await self._json("GET", f"/api/jobs/{_quoted(id)}/loudness", params={"format": format})

    async def job_audio(
        self, id: str, format: str | None, start: int = 0, chapter: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yields a file of a job from a byte on."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        params = {name: str(value) for name, value in (("format", format), ("chapter", chapter)) if value}
        path = f"/api/jobs/{_quoted(id)}/audio"
        async with self._answer("GET", path, params=params, headers=headers) as answer:
            async for block in answer.aiter_bytes():
                yield block

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._answer(method, path, **options) as answer:
            found: dict[str, Any] = json.loads(await answer.aread())
        return found

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx2.Response]:
        try:
            async with self._http.stream(method, path, **options) as answer:
                if answer.is_error:
                    raise failure_of(answer, await answer.aread())
                yield answer
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise Unavailable(
                f"No service answers at {self._url} ({error or type(error).__name__}): start it, or give its address."
            ) from error
        except httpx2.TransportError as error:
            raise Unavailable(
                f"The service at {self._url} broke off: it has stopped, or the clip is larger than its MAX_UPLOAD_MB."
            ) from error


def whole_file(file: bytearray, format: str) -> bytes:
    """Completes a streamed file: sets the length in the header of a WAV."""
    if format == "wav" and file:
        struct.pack_into("<I", file, 4, len(file) - 8)
        struct.pack_into("<I", file, 40, len(file) - 44)
    return bytes(file)


async def _events(answer: httpx2.Response) -> AsyncGenerator[dict[str, Any], None]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


def _speech_body(params: SpeechParams, clip: Clip | None) -> dict[str, Any]:
    # What has its default is left out: the service has settings for some.
    body = params.model_dump(exclude_defaults=True) | {"response_format": params.response_format}
    if clip:
        body["ref_audio"] = _address(clip)
    return body | {"model": "tts-1", "stream_format": "sse", "progress": True}


def _address(clip: Clip) -> str:
    return clip.url or f"data:application/octet-stream;base64,{base64.b64encode(_bytes(clip)).decode()}"


def _bytes(clip: Clip) -> bytes:
    return clip.file if isinstance(clip.file, bytes) else clip.file.read()


def _form(fields: dict[str, str], clip: Clip, upload: str) -> dict[str, Any]:
    """Returns form fields for a clip: an upload, or a URL that the service itself checks."""
    if clip.url is not None:
        return {"data": fields | {"audio_url": clip.url}}
    return {"data": fields, "files": {upload: _bytes(clip)}}


def _result(data: dict[str, Any], params: SpeechParams, rate: int) -> SpeechResult:
    usage = Usage(data["usage"]["input_tokens"], data["usage"]["output_tokens"])
    finished = Finished(data["finish_reason"], data["seed"], "", warnings=tuple(data["warnings"]))
    details = {name: value for name, value in data.items() if name not in ("type", "usage", "output")}
    return SpeechResult(
        finished,
        data["duration"],
        MEDIA_TYPES[params.response_format],
        rate,
        usage,
        data.get("output"),
        details if params.details else None,
    )


def _voice(found: dict[str, Any]) -> Voice:
    # Older services return no warnings.
    warnings = tuple(found.get("warnings", ()))
    return Voice(
        found["id"], found["name"], found["created_at"], found["ref_text"], found["duration"], warnings=warnings
    )


def _only(model: str | None) -> dict[str, str]:
    return {"model": model} if model else {}


def _field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(name: str) -> str:
    return quote(name, safe="")
