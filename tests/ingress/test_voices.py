"""Voices over HTTP."""

import json
from collections.abc import AsyncGenerator, Callable

from deployments.errors import Unavailable
from deployments.ingress.service import Service
from deployments.llasa.protocol import CodeChunk, TakeRequest
from tests.clips import voice, wav_file
from tests.ingress.conftest import client_of
from tests.ingress.test_tts import refused


async def test_a_voice_is_made_listed_found_and_deleted(service: Callable[..., Service]) -> None:
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


async def test_what_is_wrong_with_its_clip_is_told_when_a_voice_is_made_and_when_it_speaks(
    service: Callable[..., Service],
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


async def test_a_text_that_the_clip_does_not_say_is_refused_or_repaired(service: Callable[..., Service]) -> None:
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


async def test_a_built_in_voice_that_cannot_be_made_is_told_of(service: Callable[..., Service]) -> None:
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
