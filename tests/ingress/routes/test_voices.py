"""Voices over HTTP."""

import errno
import json
import os
from collections.abc import AsyncGenerator, Callable
from urllib.parse import quote

import httpx
import pytest

from deployments.audio.reading import decoded
from deployments.errors import Unavailable
from deployments.llasa.protocol import CodeChunk, TakeRequest
from deployments.service.service import SpeechService
from deployments.voices.bundle import packed, unpacked
from deployments.voices.reference import Reference
from deployments.voices.store import StoredVoice, Voice
from tests.ingress.conftest import client_of
from tests.support.clips import voice, wav_file
from tests.support.refusal import refused


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
    real.voices._built_in._lm = Dead()
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


async def stored_voice(client: httpx.AsyncClient, clip: bytes) -> dict[str, object]:
    form = {"name": "narrator é", "consent": "my own", "ref_text": "A reference."}
    made = await client.post("/v1/audio/voices", data=form, files={"audio_sample": clip})
    found: dict[str, object] = made.raise_for_status().json()
    return found


async def speech(client: httpx.AsyncClient, voice: object) -> bytes:
    body = {"model": "tts-1", "input": "Hello there.", "voice": voice, "stream": False}
    return (await client.post("/v1/audio/speech", json=body)).raise_for_status().content


async def test_an_exported_voice_is_the_same_where_it_is_imported(client: httpx.AsyncClient, clip: bytes) -> None:
    made = await stored_voice(client, clip)
    before = await speech(client, made["id"])
    bundle = await client.get(f"/v1/audio/voices/{made['id']}/bundle")
    assert (bundle.status_code, bundle.headers["content-type"]) == (200, "application/zip")
    assert bundle.headers["content-disposition"] == "attachment; filename*=UTF-8''narrator%20%C3%A9.zip"
    file = {"file": bundle.content}
    refused(await client.post("/v1/audio/voices/import", files=file), 409, "conflict", "name", "already")
    (await client.delete(f"/v1/audio/voices/{made['id']}")).raise_for_status()
    back = (await client.post("/v1/audio/voices/import", files=file)).raise_for_status().json()
    assert back | {"created_at": 0} == made | {"created_at": 0}
    assert await speech(client, back["id"]) == before
    other = (await client.post("/v1/audio/voices/import", files=file, data={"name": "other"})).json()
    assert (other["name"], other["consent"]) == ("other", "my own")
    assert await speech(client, "other") == before


async def test_the_codes_of_another_codec_are_made_anew_from_the_clip(client: httpx.AsyncClient, clip: bytes) -> None:
    made = await stored_voice(client, clip)
    bundle = unpacked((await client.get(f"/v1/audio/voices/{made['id']}/bundle")).content)
    foreign = StoredVoice(
        Voice("", "foreign", 0, bundle.ref_text, 1.0, bundle.consent, "another-codec"),
        Reference(bundle.codes + 1_000_000, bundle.ref_text),
    )
    file = {"file": packed(foreign, decoded(bundle.clip))}
    back = (await client.post("/v1/audio/voices/import", files=file)).raise_for_status().json()
    assert back["duration"] == made["duration"]
    again = unpacked((await client.get("/v1/audio/voices/foreign/bundle")).content)
    assert (again.codec, len(again.codes)) == (bundle.codec, len(bundle.codes))
    assert await speech(client, "foreign")


async def test_codes_that_the_codec_does_not_have_are_refused(client: httpx.AsyncClient, clip: bytes) -> None:
    made = await stored_voice(client, clip)
    bundle = unpacked((await client.get(f"/v1/audio/voices/{made['id']}/bundle")).content)
    wrong = StoredVoice(
        Voice("", "wrong", 0, bundle.ref_text, 1.0, bundle.consent, bundle.codec),
        Reference(bundle.codes + 1_000_000, bundle.ref_text),
    )
    file = {"file": packed(wrong, decoded(bundle.clip))}
    refused(await client.post("/v1/audio/voices/import", files=file), 400, "invalid_input", None, "The codes must lie")


async def test_what_is_no_bundle_is_refused(client: httpx.AsyncClient) -> None:
    refused(await client.get("/v1/audio/voices/alloy/bundle"), 400, "invalid_input", "voice", "built-in")
    refused(await client.get("/v1/audio/voices/nobody/bundle"), 404, "not_found", "voice", "no voice")
    answer = await client.post("/v1/audio/voices/import", files={"file": b"PK"})
    refused(answer, 400, "invalid_input", "file", "cannot be imported")
    refused(await client.post("/v1/audio/voices/import"), 422, "validation_error", "file", "missing")
