"""Forms that take a clip as an upload or by its address."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.support.refusal import refused

FORMS: list[tuple[str, str, dict[str, str]]] = [
    ("/api/transcribe", "audio", {}),
    ("/v1/audio/voices", "audio_sample", {"name": "anna", "consent": "my own", "ref_text": "A reference."}),
]


@pytest.fixture(params=FORMS, ids=[path for path, _, _ in FORMS])
def form(request: pytest.FixtureRequest) -> tuple[str, str, dict[str, str]]:
    found: tuple[str, str, dict[str, str]] = request.param
    return found


async def test_a_clip_may_come_by_its_address(
    client: httpx.AsyncClient, clip: bytes, form: tuple[str, str, dict[str, str]]
) -> None:
    path, _, fields = form
    url = "data:audio/wav;base64," + base64.b64encode(clip).decode()
    answer = await client.post(path, data=fields | {"audio_url": url})
    assert answer.status_code == 200, answer.text
    assert answer.json()["duration"] == pytest.approx(1.5, abs=0.1)


async def test_an_upload_and_an_address_are_too_much_and_none_is_too_little(
    client: httpx.AsyncClient, clip: bytes, form: tuple[str, str, dict[str, str]]
) -> None:
    path, upload, fields = form
    both: dict[str, Any] = {"data": fields | {"audio_url": "data:;base64,AAAA"}, "files": {upload: clip}}
    refused(await client.post(path, **both), 400, "invalid_input", upload, "Give one clip")
    neither = await client.post(path, data=fields)
    refused(neither, 422, "validation_error", upload, f"The field {upload} is missing or empty.")


@pytest.mark.parametrize(
    ("hosts", "url", "message"),
    [
        ("", "http://clips.example/a.wav", "Only data URLs are taken"),
        ("clips.example", "http://other.example/a.wav", "is not in REF_AUDIO_HOSTS"),
        ("*", "http://127.0.0.1:1/a.wav", "private or local address"),
        ("*", "http://localhost:1/a.wav", "private or local address"),
        ("*", "file:///etc/passwd", "Only data, http and https URLs"),
    ],
)
async def test_addresses_are_bounded_as_those_of_ref_audio(
    service: Callable[..., SpeechService],
    form: tuple[str, str, dict[str, str]],
    hosts: str,
    url: str,
    message: str,
) -> None:
    path, _, fields = form
    async with client_of(service(ref_audio_hosts=hosts)) as client:
        answer = await client.post(path, data=fields | {"audio_url": url})
    refused(answer, 400, "invalid_input", "audio_url", message)


async def test_the_document_still_shows_an_upload(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    for name, upload in (("TranscriptionForm", "audio"), ("VoiceForm", "audio_sample")):
        field = schemas[name]["properties"][upload]
        assert field["type"] == "string"
        assert "anyOf" not in field
