"""Voices over HTTP."""

import errno
import json
import os
from collections.abc import AsyncGenerator, Callable
from urllib.parse import quote

import httpx
import pytest

from deployments.errors import Unavailable
from deployments.llasa.protocol import CodeChunk, TakeRequest
from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_tts import refused
from tests.support.clips import voice, wav_file


async def test_a_voice_is_made_listed_found_and_deleted(service: Callable[..., SpeechService]) -> None:
    async with client_of(service()) as client:
        clip = ("clip.wav", wav_file(voice(1.5)))
        form = {"name": "👩‍🚀 reader", "consent": "my own", "ref_text": "A reference."}
        made = (await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})).json()
        assert set(made) >= {"object", "id", "name", "created_at"}
        listed = (await client.get("/v1/audio/voices")).json()
        assert listed["object"] == "list"
        assert listed["data"][-1] == made
        assert {"id": made["id"], "name": made["name"]} in listed["voices"]
        assert [found["name"] for found in listed["voices"]][:2] == ["alloy", "ash"]
        for key in (made["id"], made["name"]):
            assert (await client.get(f"/v1/audio/voices/{key}")).json() == made
        for name in ("../x", "a\0b", "x" * 300):
            answer = await client.post("/v1/audio/voices", data=form | {"name": name}, files={"audio_sample": clip})
            refused(answer, 400, "invalid_input", "name", "The name")
        again = await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})
        refused(again, 409, "conflict", "name", "already")
        no_consent = {"name": "b", "ref_text": "A reference."}
        answer = await client.post("/v1/audio/voices", data=no_consent, files={"audio_sample": clip})
        refused(answer, 422, "validation_error", "consent", "missing")
        refused(await client.delete("/v1/audio/voices/alloy"), 400, "invalid_input", "voice", "built-in")
        deleted = (await client.delete(f"/v1/audio/voices/{made['id']}")).json()
        assert deleted == {"object": "audio.voice.deleted", "id": made["id"], "deleted": True}
        refused(await client.get(f"/v1/audio/voices/{made['id']}"), 404, "not_found", "voice", "no voice")


async def test_a_voice_is_reached_by_any_form_of_its_name(service: Callable[..., SpeechService]) -> None:
    form = {"name": "fa-sp  é ", "consent": " my own\n", "ref_text": " A reference.\n"}
    async with client_of(service()) as client:
        made = (await client.post("/v1/audio/voices", data=form, files={"audio_sample": wav_file(voice(1.5))})).json()
        assert (made["name"], made["consent"], made["ref_text"]) == ("fa-sp é", "my own", "A reference.")
        for name in ("fa-sp é", "fa-sp  é ", " fa-sp e\u0301"):
            assert (await client.get(f"/v1/audio/voices/{quote(name)}")).json() == made
            assert (await client.get(f"/v1/audio/voices/{quote(name)}/sample")).status_code == 200
            body = {"model": "tts-1", "input": "Hello there.", "voice": name, "stream": False}
            assert (await client.post("/v1/audio/speech", json=body)).status_code == 200
        renamed = await client.patch("/v1/audio/voices/%20fa-sp%20%20%C3%A9", json={"name": " b\u00a0 c"})
        assert renamed.json()["name"] == "b c"
        assert (await client.delete("/v1/audio/voices/b%20c%20")).status_code == 200


@pytest.mark.parametrize(
    ("consent", "status", "code"),
    [(" ", 422, "validation_error"), ("x" * 1001, 422, "validation_error"), ("\u200d", 400, "invalid_input")],
)
async def test_consent_that_says_nothing_or_too_much_is_refused(
    client: httpx.AsyncClient, clip: bytes, consent: str, status: int, code: str
) -> None:
    form = {"name": "b", "consent": consent, "ref_text": "A reference."}
    answer = await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})
    refused(answer, status, code, "consent", "")


async def test_what_is_wrong_with_its_clip_is_told_when_a_voice_is_made_and_when_it_speaks(
    service: Callable[..., SpeechService],
) -> None:
    clip = wav_file((4 * voice(1.5)).clip(-1, 1))
    form = {"name": "loud", "consent": "my own", "ref_text": "A reference."}
    body = {"model": "tts-1", "input": "Hello there.", "voice": "loud", "stream": False}
    async with client_of(service()) as client:
        made = (await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})).json()
        assert any("clipped" in warning for warning in made["warnings"])
        spoken = await client.post("/v1/audio/speech", json=body)
    assert spoken.status_code == 200, spoken.text
    told = json.loads(spoken.headers["x-warnings"])
    assert told[: len(made["warnings"])] == made["warnings"]


async def test_a_text_that_the_clip_does_not_say_is_refused_or_repaired(service: Callable[..., SpeechService]) -> None:
    form = {"name": "narrator", "consent": "my own", "ref_text": "A reference."}
    files = {"audio_sample": wav_file(voice(1.5))}
    async with client_of(service(reference_check="refuse")) as client:
        wrong = await client.post("/v1/audio/voices", data=form, files=files)
        refused(wrong, 400, "invalid_text", "ref_text", "ref_check=repair")
        unknown = await client.post("/v1/audio/voices", data=form | {"ref_check": "perhaps"}, files=files)
        refused(unknown, 422, "validation_error", "ref_check", "ref_check")
        made = (await client.post("/v1/audio/voices", data=form | {"ref_check": "repair"}, files=files)).json()
        assert made["ref_text"] != "A reference."
        assert any("was replaced" in warning for warning in made["warnings"])


async def test_a_built_in_voice_that_cannot_be_made_is_told_of(service: Callable[..., SpeechService]) -> None:
    class Dead:
        async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
            raise Unavailable("The speech engine has died.")
            yield

    real = service()
    real.voices._lm = Dead()  # type: ignore[assignment]
    async with client_of(real) as client:
        answer = await client.post(
            "/v1/audio/speech", json={"model": "tts-1", "input": "Hello there.", "voice": "cedar"}
        )
    refused(answer, 503, "unavailable", None, "has died")


async def test_a_voice_for_which_there_is_no_room_is_a_503(
    service: Callable[..., SpeechService], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    form = {"name": "narrator", "consent": "my own", "ref_text": "A reference."}
    async with client_of(service()) as client:
        answer = await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})
        refused(answer, 503, "unavailable", None, "The voice cannot be stored now (No space left on device).")
        assert (await client.get("/v1/audio/voices/narrator")).status_code == 404
