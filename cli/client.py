"""A client of a running service's HTTP API."""

import base64
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter

from deployments.audio.encoder import MEDIA_TYPES, rate_of
from deployments.errors import (
    Conflict,
    GenerationFailed,
    InputTooLarge,
    InvalidAudio,
    InvalidInput,
    InvalidText,
    NotFound,
    Overloaded,
    ServiceError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnprocessableInput,
)
from deployments.service.requests import Clip, Residence, Speaking, Spoken
from deployments.synthesis.events import Progress
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice

_TIMEOUT: Final = httpx2.Timeout(10, read=None)
"""Seconds to connect; the response may take as long as the service allows."""
_RESIDENCE: Final = TypeAdapter(Residence)


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of streamed speech."""

    finish_reason: str
    seed: int
    duration: float
    """Seconds."""
    warnings: tuple[str, ...]
    output: str | None
    """Name of the stored copy."""


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

    async def stream(self, speaking: Speaking) -> AsyncGenerator[Progress | bytes | Ended, None]:
        """Speaks; yields progress and chunks of the file, and the result last.

        Raises:
            ServiceError: the service returned it.
            Unavailable: no service answers.
        """
        async with self._answer("POST", "/v1/audio/speech", json=_speech_body(speaking)) as answer:
            async for data in _events(answer):
                match data["type"]:
                    case "speech.progress":
                        yield Progress(data["stage"], data["part"], data["parts"])
                    case "speech.audio.delta":
                        yield base64.b64decode(data["audio"])
                    case "speech.audio.done":
                        yield Ended(
                            data["finish_reason"],
                            data["seed"],
                            data["duration"],
                            tuple(data["warnings"]),
                            data.get("output"),
                        )
                        return
                    case "speech.audio.error":
                        raise _error(data)
        raise Unavailable("The speech broke off: try again.")

    async def speak(self, speaking: Speaking) -> AsyncGenerator[Progress | Spoken, None]:
        file = bytearray()
        async with aclosing(self.stream(speaking)) as events:
            async for event in events:
                if isinstance(event, Progress):
                    yield event
                elif isinstance(event, bytes):
                    file += event
                else:
                    yield _spoken(speaking, whole_file(file, speaking.format), event)

    async def transcribe(self, clip: Clip, *, language: str | None, words: bool) -> dict[str, Any]:
        fields = {"word_timestamps": str(words).lower()} | ({"language": language} if language else {})
        return await self._json("POST", "/api/transcribe", **_form(fields, clip, "audio"))

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

    async def voices(self) -> list[Voice]:
        return [_voice(voice) for voice in (await self._json("GET", "/v1/audio/voices"))["data"]]

    async def clone_voice(
        self, name: str, clip: Clip, ref_text: str | None, consent: str, *, ref_check: ReferenceCheck | None = None
    ) -> Voice:
        wished = {"name": name, "consent": consent, "ref_text": ref_text, "ref_check": ref_check}
        fields = {field: wish for field, wish in wished.items() if wish}
        return _voice(await self._json("POST", "/v1/audio/voices", **_form(fields, clip, "audio_sample")))

    async def delete_voice(self, voice: str) -> Voice:
        found = _voice(await self._json("GET", f"/v1/audio/voices/{_quoted(voice)}"))
        await self._json("DELETE", f"/v1/audio/voices/{found.id}")
        return found

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._answer(method, path, **options) as answer:
            found: dict[str, Any] = json.loads(await answer.aread())
        return found

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx2.Response]:
        try:
            async with self._http.stream(method, path, **options) as answer:
                if answer.is_error:
                    raise _failure(answer, await answer.aread())
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
    if format == "wav":
        struct.pack_into("<I", file, 4, len(file) - 8)
        struct.pack_into("<I", file, 40, len(file) - 44)
    return bytes(file)


async def _events(answer: httpx2.Response) -> AsyncGenerator[dict[str, Any], None]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


def _speech_body(speaking: Speaking) -> dict[str, Any]:
    sampling = speaking.sampling
    body = {
        "model": "tts-1",
        "input": speaking.text,
        "voice": speaking.voice,
        "ref_audio": _address(speaking.clip) if speaking.clip else None,
        "ref_text": speaking.ref_text,
        "ref_check": speaking.ref_check,
        "system_prompt": speaking.instruction,
        "response_format": speaking.format,
        "sample_rate": speaking.sample_rate,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": sampling.seed,
        "speed": speaking.speed,
        "verify": speaking.verify,
        "best_of": speaking.best_of,
        "language": speaking.language,
        "stream_format": "sse",
        "progress": True,
        "keep": speaking.keep,
    }
    return {name: value for name, value in body.items() if value is not None}


def _address(clip: Clip) -> str:
    return clip.url or f"data:application/octet-stream;base64,{base64.b64encode(clip.data or b'').decode()}"


def _form(fields: dict[str, str], clip: Clip, upload: str) -> dict[str, Any]:
    """Returns form fields for a clip: an upload, or a URL that the service itself checks."""
    if clip.url is not None:
        return {"data": fields | {"audio_url": clip.url}}
    return {"data": fields, "files": {upload: clip.data or b""}}


def _spoken(speaking: Speaking, file: bytes, ended: Ended) -> Spoken:
    return Spoken(
        file,
        MEDIA_TYPES[speaking.format],
        rate_of(speaking.format, speaking.sample_rate),
        ended.duration,
        ended.finish_reason,
        ended.seed,
        ended.warnings,
        ended.output,
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


def _failure(answer: httpx2.Response, body: bytes) -> ServiceError:
    try:
        return _error(json.loads(body), answer.status_code)
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"The service answered with status {answer.status_code} and an unreadable body.")


def _error(data: dict[str, Any], status: int = 500) -> ServiceError:
    """Rebuilds the service's error, as its own type if there is one."""
    error = data["error"]
    kind = _KINDS.get(error["code"], InvalidInput if 400 <= status < 500 else ServiceError)
    return kind(error["message"], error["param"])


_KINDS: Final[Mapping[str, type[ServiceError]]] = {
    kind.code: kind
    for kind in (
        InvalidInput,
        InvalidAudio,
        InvalidText,
        UnprocessableInput,
        InputTooLarge,
        NotFound,
        Unauthorized,
        Conflict,
        Overloaded,
        TimedOut,
        Unavailable,
        GenerationFailed,
    )
}
