"""Speech in the shapes of other services: vLLM-Omni's batch, ElevenLabs', and Kokoro-FastAPI's captions."""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.audio.decoder import Decoder
from deployments.ingress.routes.elevenlabs_fields import Alignment
from deployments.synthesis.events import Audio, Finished, Part, SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.whisper.protocol import Word
from tests.ingress.conftest import client_of
from tests.support.clips import voice, wav_file
from tests.support.noted import NotedService, noted_service
from tests.support.refusal import refused

BATCH = "/v1/audio/speech/batch"
ELEVEN = "/v1/text-to-speech/alloy"
CAPTIONED = "/dev/captioned_speech"


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path)


@pytest.fixture
async def client(service: NotedService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


@pytest.fixture
def listened(service: NotedService, monkeypatch: pytest.MonkeyPatch) -> list[SpeechRequest]:
    """Requests for speech, which is always the same, and that Whisper has listened to."""
    asked: list[SpeechRequest] = []

    async def heard(request: SpeechRequest, usage: object) -> AsyncGenerator[SpeechEvent, None]:
        asked.append(request)
        words = (Word("Hello,", 0.0, 0.4, 1.0), Word("there!", 0.6, 1.0, 1.0))
        yield Audio(voice(1.0))
        yield Finished("stop", 7, "", parts=(Part("Hello, there!", 0.0, 1.0, "stop", 7, 1, None, words=words),))

    monkeypatch.setattr(service.synthesizer, "stream", heard)
    return asked


async def test_a_batch_has_the_results_in_order_with_the_error_of_each(
    client: httpx.AsyncClient, service: NotedService
) -> None:
    clip = "data:audio/wav;base64," + base64.b64encode(wav_file(voice(1.5))).decode()
    items: list[dict[str, Any]] = [
        {"input": "Good morning."},
        {"input": "Good evening.", "voice": "nova", "response_format": "flac", "seed": 5, "speed": None},
        {"input": "Nobody says this.", "voice": "nobody"},
        {"input": ""},
        {"input": "Too fast.", "speed": 9},
        {"input": "Wrong.", "sped": 1},
        {"voice": "alloy", "input": "My own voice.", "voice_settings": {}, "ref_audio": clip, "ref_text": "A word."},
        {"input": "No such model.", "model": "gpt-4"},
    ]
    answer = await client.post(
        BATCH, json={"items": items, "voice": "alloy", "seed": 3, "normalise": None, "user": "x"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ignored"] == "user"
    batch = answer.json()
    results = batch["results"]
    assert [result["index"] for result in results] == list(range(len(items)))
    assert (batch["total"], batch["succeeded"], batch["failed"]) == (8, 3, 5)
    assert [(result["media_type"], result["seed"]) for result in results if result["status"] == "success"] == [
        ("audio/wav", 3),
        ("audio/flac", 5),
        ("audio/wav", 3),
    ]
    assert base64.b64decode(results[1]["audio_data"])[:4] == b"fLaC"
    assert [result["error"]["param"] for result in results if result["error"]] == [
        "voice",
        "input",
        "speed",
        "sped",
        "model",
    ]
    assert {params.voice for params in service.seen} == {"alloy", "nova", "nobody"}
    assert service.admission.running == 0


@pytest.mark.parametrize("count", [0, 33])
async def test_a_batch_has_1_to_32_items(client: httpx.AsyncClient, count: int) -> None:
    answer = await client.post(BATCH, json={"items": [{"input": "x"}] * count, "voice": "alloy"})
    refused(answer, 422, "validation_error", "items", "items: List should have")


async def test_a_misspelt_default_of_a_batch_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(BATCH, json={"items": [{"input": "x"}], "voce": "alloy"})
    refused(answer, 422, "validation_error", "voce", "Did you mean voice?")


async def test_elevenlabs_voices_are_those_of_the_service(client: httpx.AsyncClient) -> None:
    voices = (await client.get("/v1/voices")).json()["voices"]
    assert (await client.get("/v2/voices")).json()["voices"] == voices
    alloy = next(voice for voice in voices if voice["name"] == "alloy")
    assert alloy["category"] == "premade"
    assert (await client.get(f"/v1/voices/{alloy['voice_id']}")).json() == alloy
    assert (await client.get("/v1/voices/nobody")).status_code == 404
    assert (await client.get(alloy["preview_url"])).status_code == 200
    spoken = await client.post(f"/v1/text-to-speech/{alloy['voice_id']}", json={"text": "Hello there."})
    assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/mpeg")


@pytest.mark.parametrize("path", ["", "/stream"])
async def test_elevenlabs_fields_and_formats_are_taken(
    client: httpx.AsyncClient, service: NotedService, path: str
) -> None:
    body = {
        "text": "Hello there.",
        "model_id": "eleven_multilingual_v2",
        "language_code": "de",
        "seed": 5,
        "voice_settings": {"stability": 0.5, "similarity_boost": None, "speed": 1.2},
        "previous_text": None,
    }
    answer = await client.post(f"{ELEVEN}{path}?output_format=pcm_16000", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ignored"] == "model_id, voice_settings.stability"
    (params,) = service.seen
    assert (params.language, params.seed, params.speed, params.sample_rate) == ("de", 5, 1.2, 16_000)
    assert ("content-length" in answer.headers) == (path == "")


@pytest.mark.parametrize("output", ["ulaw_8000", "mp3", "pcm_1", "mp3_99999"])
async def test_an_unknown_elevenlabs_format_is_refused(client: httpx.AsyncClient, output: str) -> None:
    answer = await client.post(f"{ELEVEN}?output_format={output}", json={"text": "Hello."})
    refused(answer, 422, "validation_error", "output_format", f"There is no format {output!r}")


async def test_an_unknown_elevenlabs_voice_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/text-to-speech/nobody", json={"text": "Hello."})
    refused(answer, 404, "not_found", "voice", "nobody")


async def test_elevenlabs_key_is_taken(decoder: Decoder, tmp_path: Path) -> None:
    async with client_of(noted_service(decoder, tmp_path, api_key="sk-one")) as client:
        assert (await client.get("/v1/voices")).status_code == 401
        assert (await client.get("/v1/voices", headers={"xi-api-key": "sk-one"})).status_code == 200


async def test_elevenlabs_timestamps_are_those_of_the_characters_of_the_text(
    client: httpx.AsyncClient, listened: list[SpeechRequest]
) -> None:
    answer = await client.post(f"{ELEVEN}/with-timestamps", json={"text": "Hello, there!"})
    assert answer.status_code == 200, answer.text
    alignment = answer.json()["alignment"]
    assert "".join(alignment["characters"]) == "Hello, there!"
    starts, ends = alignment["character_start_times_seconds"], alignment["character_end_times_seconds"]
    assert (starts[0], ends[5], starts[7], ends[-1]) == (0.0, 0.4, 0.6, 1.0)
    assert base64.b64decode(answer.json()["audio_base64"])
    (request,) = listened
    assert request.policy
    assert request.policy.verify


async def test_elevenlabs_streamed_timestamps_come_with_the_last_line(
    client: httpx.AsyncClient, listened: list[SpeechRequest]
) -> None:
    body = {"text": "Hello, there!", "model_id": "x"}
    answer = await client.post(f"{ELEVEN}/stream/with-timestamps?output_format=pcm_16000", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ignored"] == "model_id"
    *pieces, last = [json.loads(line) for line in answer.text.splitlines()]
    whole = await client.post(f"{ELEVEN}/with-timestamps?output_format=pcm_16000", json=body | {"seed": 0})
    assert "".join(last["alignment"]["characters"]) == "Hello, there!"
    assert last["alignment"] == last["normalized_alignment"] == whole.json()["alignment"]
    assert pieces
    assert {piece["alignment"] for piece in pieces} == {None}
    assert len(b"".join(base64.b64decode(piece["audio_base64"]) for piece in [*pieces, last])) == 2 * 16_000
    assert [request.policy and request.policy.verify for request in listened] == [True, True]


async def test_streamed_timestamps_of_an_unknown_voice_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/text-to-speech/nobody/stream/with-timestamps", json={"text": "Hello."})
    refused(answer, 404, "not_found", "voice", "nobody")


def test_characters_share_the_time_of_their_word() -> None:
    alignment = Alignment.of("ab <b>c", [Word("ab", 0.0, 1.0, 1.0), Word("x", 1.0, 2.0, 1.0), Word("c", 2.0, 3.0, 1.0)])
    assert alignment.character_start_times_seconds == [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0]
    assert alignment.character_end_times_seconds == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0]


async def test_captions_are_the_words_of_the_text_with_their_times(
    client: httpx.AsyncClient, listened: list[SpeechRequest]
) -> None:
    body = {"model": "kokoro", "input": "Hello, there!", "voice": "alloy", "stream": False, "lang_code": "a"}
    answer = await client.post(CAPTIONED, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["timestamps"] == [
        {"word": "Hello,", "start_time": 0.0, "end_time": 0.4},
        {"word": "there!", "start_time": 0.6, "end_time": 1.0},
    ]
    assert answer.json()["audio_format"] == "audio/mpeg"
    assert answer.headers["x-ignored"] == "model, lang_code"
    without = await client.post(CAPTIONED, json=body | {"return_timestamps": False})
    assert without.json()["timestamps"] is None
    assert [request.policy and request.policy.verify for request in listened] == [True, False]


async def test_captions_follow_the_speed(client: httpx.AsyncClient, listened: list[SpeechRequest]) -> None:
    answer = await client.post(CAPTIONED, json={"input": "Hello, there!", "voice": "alloy", "speed": 2})
    assert [word["end_time"] for word in answer.json()["timestamps"]] == [0.2, pytest.approx(0.5, abs=0.05)]


async def test_doors_share_the_limits_of_the_service(service: NotedService) -> None:
    full = replace(service, settings=service.settings.model_copy(update={"max_text_length": 5}))
    async with client_of(full) as client:
        refused(await client.post(ELEVEN, json={"text": "Too long."}), 400, "invalid_text", "input", "at most 5")
        captioned = {"input": "Too long.", "voice": "alloy"}
        refused(await client.post(CAPTIONED, json=captioned), 400, "invalid_text", "input", "at most 5")
