"""Requests to /api/tts that fail, and what their clients are told."""

import errno
from collections.abc import AsyncGenerator, Callable

import httpx
import numpy as np
import pytest

from deployments.service.service import SpeechService
from deployments.synthesis.events import SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.synthesis.usage import Usage
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_tts import TEXT, speak
from tests.support.clips import encode, voice, wav_file
from tests.support.refusal import refused

BAD_CLIPS = {
    "empty": (b"", "The file is empty."),
    "text named wav": (b"No audio at all.\n" * 100, "cannot be read as audio"),
    "truncated mp3": (encode(voice(3.0, 44_100), "mp3")[:20_000], "The file is cut off"),
    "0.1 s": (wav_file(voice(0.1)), "at least 0.5 s are needed"),
    "silent": (wav_file(np.zeros(32_000, np.float32)), "The clip is silent."),
    "over the limit": (wav_file(voice(61.0)), "longer than 60 s"),
}


@pytest.mark.parametrize("name", BAD_CLIPS)
async def test_a_bad_clip_is_a_400_that_names_the_field(client: httpx.AsyncClient, name: str) -> None:
    file, message = BAD_CLIPS[name]
    answer = await speak(client, file)
    refused(answer, 400, "invalid_audio", "audio", message)


@pytest.mark.parametrize(
    ("fields", "status", "code", "param", "message"),
    [
        ({"target_text": ""}, 422, "validation_error", "target_text", "missing or empty"),
        ({"target_text": " \n "}, 400, "invalid_text", "target_text", "The text is empty."),
        ({"target_text": "a" * 5001}, 400, "invalid_text", "target_text", "at most 5000 are taken"),
        ({"target_text": "😀🎉", "strict": "true"}, 400, "invalid_text", "target_text", "no letter or digit"),
        ({"target_text": "a\x08b"}, 400, "invalid_text", "target_text", "control character U+0008"),
        ({"ref_text": "a\x00b"}, 400, "invalid_text", "ref_text", "control character U+0000"),
        ({"temperature": "nan"}, 422, "validation_error", "temperature", "finite number"),
        ({"temperature": "inf"}, 422, "validation_error", "temperature", "finite number"),
        ({"temperature": "-0.1"}, 422, "validation_error", "temperature", "greater than or equal to 0"),
        ({"temperature": "warm"}, 422, "validation_error", "temperature", "valid number"),
        ({"top_p": "0"}, 422, "validation_error", "top_p", "greater than 0"),
        ({"top_p": "1.1"}, 422, "validation_error", "top_p", "less than or equal to 1"),
        ({"top_k": "-1"}, 422, "validation_error", "top_k", "greater than or equal to 0"),
        ({"penalty": "0"}, 422, "validation_error", "penalty", "greater than 0"),
        ({"random_seed": "-1"}, 422, "validation_error", "random_seed", "greater than or equal to 0"),
        ({"random_seed": str(2**32)}, 422, "validation_error", "random_seed", "less than or equal to 4294967295"),
        ({"sample_rate": "7999"}, 422, "validation_error", "sample_rate", "greater than or equal to 8000"),
        ({"sample_rate": "16000.5"}, 422, "validation_error", "sample_rate", "valid integer"),
        ({"temprature": "1"}, 422, "validation_error", "temprature", "Did you mean temperature?"),
        ({"qqq": "1"}, 422, "validation_error", "qqq", "There is no field qqq."),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_bad_field_is_refused_by_its_name(
    client: httpx.AsyncClient, clip: bytes, fields: dict[str, str], status: int, code: str, param: str, message: str
) -> None:
    answer = await client.post("/api/tts", files={"audio": clip}, data=TEXT | fields)
    refused(answer, status, code, param, message)


async def test_missing_fields_are_named(client: httpx.AsyncClient, clip: bytes) -> None:
    refused(
        await client.post("/api/tts", data=TEXT),
        422,
        "validation_error",
        "audio",
        "The field audio is missing or empty.",
    )
    no_text = await client.post("/api/tts", files={"audio": clip})
    refused(no_text, 422, "validation_error", "target_text", "The field target_text is missing or empty.")
    not_a_file = await client.post("/api/tts", data=TEXT | {"audio": "words"})
    refused(not_a_file, 422, "validation_error", "audio", "This is not a file.")


async def test_a_reference_that_fills_the_window_is_refused(client: httpx.AsyncClient) -> None:
    answer = await speak(client, wav_file(voice(14.0)), ref_text="word " * 240)
    refused(answer, 400, "invalid_text", None, "of the model's 2048 tokens")


async def test_the_wrong_method_or_path_gets_the_same_envelope(client: httpx.AsyncClient) -> None:
    refused(await client.get("/api/tts"), 405, "method_not_allowed", None, "/api/tts does not take GET")
    refused(await client.get("/api/nothing"), 404, "not_found", None, "There is no /api/nothing")


async def test_a_body_that_is_no_form_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/tts", content=b"{}", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    broken = await client.post("/api/tts", content=b"--x\r\n", headers={"content-type": "multipart/form-data"})
    assert broken.status_code in (400, 422)
    assert set(broken.json()["error"]) == {"message", "type", "param", "code"}


async def test_an_unexpected_failure_is_a_500_that_leaks_nothing(
    service: Callable[..., SpeechService], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = service()

    async def fail(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        raise RuntimeError("secret /path")
        yield

    monkeypatch.setattr(broken.synthesizer, "stream", fail)
    async with client_of(broken) as client:
        answer = await speak(client, clip)
    refused(answer, 500, "internal_error", None, "An internal error occurred")
    assert "secret" not in answer.text


async def test_a_full_disk_is_told_as_one(
    service: Callable[..., SpeechService], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = service()

    async def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")

    monkeypatch.setattr(full.audio, "clip", fail)  # as when an upload spills to disk
    async with client_of(full) as client:
        answer = await speak(client, clip)
    refused(answer, 503, "unavailable", None, "disk is full")
    assert answer.headers["retry-after"]
    assert "secret" not in answer.text
