"""POST /v1/text-to-dialogue, and several voices and pauses in one text."""

import base64
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from deployments.audio.decoder import Decoder
from tests.ingress.conftest import client_of
from tests.support.noted import noted_service
from tests.support.refusal import refused
from tests.support.scripted import ScriptedLM

TURNS = [
    {"text": "Did you hear that noise?", "voice": "alloy"},
    {"text": "No, I was asleep all night.", "voice_id": "nova"},
    {"text": "Then it was the wind again.", "voice": "alloy"},
]


@pytest.fixture
def lm() -> ScriptedLM:
    return ScriptedLM()


@pytest.fixture
async def client(decoder: Decoder, tmp_path: Path, lm: ScriptedLM) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(noted_service(decoder, tmp_path, lm=lm)) as client:
        for voice in ("alloy", "nova"):
            body = {"model": "tts-1", "input": "Hello.", "voice": voice}
            assert (await client.post("/v1/audio/speech", json=body)).status_code == 200
        lm.requests.clear()
        yield client


def samples(file: bytes) -> tuple[int, np.ndarray]:
    with wave.open(io.BytesIO(file)) as opened:
        return opened.getframerate(), np.frombuffer(opened.readframes(opened.getnframes()), "<i2").astype(float)


async def test_each_turn_is_spoken_by_its_voice_in_order(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    answer = await client.post("/v1/text-to-dialogue", json={"inputs": TURNS, "details": True, "model_id": "eleven"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ignored"] == "model_id"
    found: dict[str, Any] = answer.json()
    assert [(part["voice"], part["text"]) for part in found["parts"]] == [
        (turn.get("voice") or turn["voice_id"], turn["text"]) for turn in TURNS
    ]
    by_text = {take.text: take.ref_codes.tobytes() for take in lm.requests}
    first, second, third = (by_text[turn["text"]] for turn in TURNS)
    assert first == third != second
    rate, wav = samples(base64.b64decode(found["audio"]))
    assert len(wav) / rate == pytest.approx(found["duration"], abs=0.01)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"inputs": []}, 422, "inputs"),
        ({"inputs": [{"text": "Hello."}]}, 422, "voice"),
        ({"inputs": [{"text": "Hello.", "voice": "nobody"}]}, 404, "nobody"),
        ({"inputs": [{"text": "Hello.", "voice": ""}]}, 422, "voice"),
        ({"inputs": [{"text": " ", "voice": "alloy"}]}, 400, "The text is empty"),
        ({"inputs": [TURNS[0]] * 201}, 422, "inputs"),
    ],
)
async def test_what_cannot_be_a_dialogue_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, message: str
) -> None:
    answer = await client.post("/v1/text-to-dialogue", json=body)
    assert answer.status_code == status
    assert message in answer.text


async def test_a_turn_cannot_take_anothers_voice(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    turns = [{"text": "Hello [voice:nova] there, how are you?", "voice": "alloy"}]
    assert (await client.post("/v1/text-to-dialogue", json={"inputs": turns})).status_code == 200
    assert len({take.ref_codes.tobytes() for take in lm.requests}) == 1


async def test_each_turn_may_have_markup_of_its_own(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    turns = [{"text": "# A title", "voice": "alloy"}, {"text": "<speak>Doctor Who.</speak>", "voice": "nova"}]
    assert (await client.post("/v1/text-to-dialogue", json={"inputs": turns})).status_code == 200
    assert {take.text for take in lm.requests} == {"A title.", "Doctor Who."}


async def test_a_pause_lasts_as_long_as_asked_for(client: httpx.AsyncClient) -> None:
    text = "The first half is here. [pause:1.5s] The second half is there."
    body = {"model": "tts-1", "input": text, "voice": "alloy", "response_format": "wav", "stream": False}
    rate, wav = samples((await client.post("/v1/audio/speech", json=body)).content)
    loud = np.flatnonzero(np.abs(wav) > 200)
    longest = np.diff(loud).max() / rate
    assert longest == pytest.approx(1.5, abs=0.03)


async def test_ssml_and_markdown_are_not_spoken(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    for text in (
        '<speak>Hi there, <sub alias="doctor">Dr.</sub> Who.<break time="500ms"/> Bye for now.</speak>',
        "# A title\n\n- **one** item\n- see [the docs](https://a.example/x)\n",
    ):
        body = {"model": "tts-1", "input": text, "voice": "alloy"}
        assert (await client.post("/v1/audio/speech", json=body)).status_code == 200
    said = " ".join(take.text for take in lm.requests)
    assert "doctor Who" in said
    assert "the docs" in said
    assert not set("<>*#[]") & set(said)
    broken = {"model": "tts-1", "input": "<speak>Hi", "voice": "alloy", "input_format": "ssml"}
    refused(await client.post("/v1/audio/speech", json=broken), 400, "invalid_text", "input", "SSML")
