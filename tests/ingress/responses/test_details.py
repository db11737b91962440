"""What is told of a speech besides its audio."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deployments.audio.reading import decoded
from deployments.service.details import details
from deployments.service.service import SpeechService
from deployments.synthesis.events import Finished, Part
from deployments.whisper.protocol import Word
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_tts import TEXT, frames
from tests.support.clips import voice, wav_file

BODY: dict[str, Any] = {
    "model": "tts-1",
    "input": "Hello there.",
    "voice": "narrator",
    "response_format": "wav",
    "best_of": 2,
    "details": True,
}
CLIP = wav_file(voice(1.5))


@pytest.fixture
def service(module_service: Callable[..., SpeechService]) -> SpeechService:
    """All share their voices."""
    return module_service()


@pytest.fixture
async def stored(service: SpeechService) -> None:
    if not any(voice.name == "narrator" for voice in await service.voices.list()):
        await service.voices.create("narrator", decoded(CLIP), "A reference.", "my own")


def done(answer: httpx.Response) -> dict[str, Any]:
    (told,) = [event for event in events(answer) if event["type"] == "speech.audio.done"]
    return told


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_stored_voice_answers_with_the_details_that_an_upload_has(service: SpeechService, stream: bool) -> None:
    async with client_of(service) as client:
        uploaded = await client.post(
            "/api/tts", files={"audio": CLIP}, data=TEXT | {"details": "true", "best_of": "2", "sample_rate": "24000"}
        )
        answer = await client.post("/v1/audio/speech", json=BODY | {"stream": stream, "instructions": "Sing."})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["x-takes"], answer.headers["x-ignored"]) == ("2", "instructions")
    told = answer.json()
    assert told == uploaded.json()
    assert frames(base64.b64decode(told["audio"]))[0] == told["sample_rate"] == 24_000
    assert [part["attempts"] for part in told["parts"]] == [2]


@pytest.mark.usefixtures("stored")
async def test_the_last_event_has_all_but_the_audio_and_only_where_it_is_asked_for(service: SpeechService) -> None:
    body = BODY | {"stream_format": "sse"}
    async with client_of(service) as client:
        whole = (await client.post("/v1/audio/speech", json=BODY)).json()
        told = done(await client.post("/v1/audio/speech", json=body))
        plain = done(await client.post("/v1/audio/speech", json=body | {"details": False}))
    assert "audio" not in told
    assert whole.items() >= {name: told[name] for name in set(told) - {"type", "usage"}}.items()
    assert set(whole) - set(told) == {"audio"}
    assert set(plain) == {"type", "usage", "duration", "finish_reason", "seed", "warnings"}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("speed", [0.5, 2.0])
@pytest.mark.parametrize("fields", [{}, {"stream_format": "sse"}], ids=str)
async def test_parts_last_as_long_as_the_stretched_audio(
    service: SpeechService, speed: float, fields: dict[str, Any]
) -> None:
    async with client_of(service) as client:
        answer = await client.post("/v1/audio/speech", json=BODY | fields | {"speed": speed})
    told = done(answer) if fields else answer.json()
    last = told["parts"][-1]
    assert last["start"] + last["seconds"] == pytest.approx(told["duration"], abs=0.1)
    assert last["start"] + last["seconds"] <= told["duration"] + 0.001


def test_times_of_words_and_captions_are_those_of_the_stretched_audio() -> None:
    words = (Word("Hello", 2.0, 2.4, 0.9), Word("there.", 2.5, 3.0, 0.9))
    part = Part("Hello there.", 2.0, 1.0, "stop", 7, 1, None, "Hello there.", 0.0, words)
    told = details(Finished("stop", 7, "A reference.", parts=(part,)), 2.0, 1.49, 24_000)
    (found,) = told["parts"]
    assert (found["start"], found["seconds"]) == (1.0, 0.49)
    assert [(word["start"], word["end"]) for word in found["words"]] == [(1.0, 1.2), (1.25, 1.49)]
    assert told["captions"] == [{"text": "Hello there.", "start": 1.0, "end": 1.49}]
    assert "00:00:01,000 --> 00:00:01,490" in told["srt"]
    assert "00:00:01.000 --> 00:00:01.490" in told["vtt"]
