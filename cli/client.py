"""A client of a running service's HTTP API."""

import base64
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter

from cli.rest_errors import error_of, failure_of
from deployments.audio.encoder import MEDIA_TYPES
from deployments.errors import Unavailable
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
        async with self.answer("POST", "/v1/audio/speech", json=_speech_body(params, clip)) as answer:
            async for data in events_of(answer):
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
        return Transcription.model_validate(await self.json("POST", "/api/transcribe", **_form(fields, clip, "audio")))

    async def output(self, name: str) -> bytes:
        async with self.answer("GET", f"/api/outputs/{_quoted(name)}") as answer:
            return await answer.aread()

    async def residence(self) -> Residence:
        async with self.answer("GET", "/api/gpu/status") as answer:
            return _RESIDENCE.validate_json(await answer.aread())

    async def offload(self, model: str | None, *, release: bool) -> None:
        await self.json("POST", f"/api/gpu/{'release' if release else 'offload'}", params=_only(model))

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        await self.json("POST", "/api/gpu/timeout", params=_only(model) | {"seconds": str(seconds)})

    async def list_voices(self) -> list[Voice]:
        return [_voice(voice) for voice in (await self.json("GET", "/v1/audio/voices"))["data"]]

    async def clone_voice(
        self, name: str, clip: Clip, ref_text: str | None, consent: str, *, ref_check: ReferenceCheck | None = None
    ) -> Voice:
        wished = {"name": name, "consent": consent, "ref_text": ref_text, "ref_check": ref_check}
        fields = {field: wish for field, wish in wished.items() if wish}
        return _voice(await self.json("POST", "/v1/audio/voices", **_form(fields, clip, "audio_sample")))

    async def export_voice(self, voice: str) -> bytes:
        async with self.answer("GET", f"/v1/audio/voices/{_quoted(voice)}/bundle") as answer:
            return await answer.aread()

    async def import_voice(self, bundle: bytes, name: str | None) -> Voice:
        data, files = {"name": name} if name else {}, {"file": bundle}
        return _voice(await self.json("POST", "/v1/audio/voices/import", data=data, files=files))

    async def delete_voice(self, voice: str) -> Voice:
        found = _voice(await self.json("GET", f"/v1/audio/voices/{_quoted(voice)}"))
        await self.json("DELETE", f"/v1/audio/voices/{found.id}")
        return found

    async def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Returns the object that a route answers with."""
        async with self.answer(method, path, **options) as answer:
            found: dict[str, Any] = json.loads(await answer.aread())
        return found

    @asynccontextmanager
    async def answer(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx2.Response]:
        """Opens the response of a route.

        Raises:
            ServiceError: the service returned it.
            Unavailable: no service answers.
        """
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


async def events_of(answer: httpx2.Response) -> AsyncGenerator[dict[str, Any], None]:
    """Yields the server-sent events of a response."""
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
    return clip.url or f"data:application/octet-stream;base64,{base64.b64encode(file_of(clip)).decode()}"


def file_of(clip: Clip) -> bytes:
    """Returns the file of a clip that is no URL."""
    return clip.file if isinstance(clip.file, bytes) else clip.file.read()


def _form(fields: dict[str, str], clip: Clip, upload: str) -> dict[str, Any]:
    """Returns form fields for a clip: an upload, or a URL that the service itself checks."""
    if clip.url is not None:
        return {"data": fields | {"audio_url": clip.url}}
    return {"data": fields, "files": {upload: file_of(clip)}}


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


def _quoted(name: str) -> str:
    return quote(name, safe="")
