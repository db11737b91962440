import asyncio
import base64
import io
import json
import wave
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from deployments.service.service import SpeechService
from deployments.synthesis.events import SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.synthesis.usage import Usage
from deployments.text.script import Script
from tests.conftest import Models
from tests.ingress.conftest import client_of
from tests.support.clips import FORMATS, encode, voice, wav_file
from tests.support.refusal import refused

TEXT = {"target_text": "Hello there.", "ref_text": "A reference."}


def frames(file: bytes) -> tuple[int, np.ndarray]:
    with wave.open(io.BytesIO(file)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth()) == (1, 2)
        return reader.getframerate(), np.frombuffer(reader.readframes(reader.getnframes()), "<i2")


async def speak(client: httpx.AsyncClient, clip: bytes, **fields: str | int | float) -> httpx.Response:
    return await client.post(
        "/api/tts", files={"audio": ("a.wav", clip)}, data=TEXT | {k: str(v) for k, v in fields.items()}
    )


async def test_a_clip_and_a_text_give_a_wav_with_headers_that_tell_of_it(
    client: httpx.AsyncClient, clip: bytes
) -> None:
    answer = await speak(client, clip)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    rate, samples = frames(answer.content)
    assert rate == int(answer.headers["x-sample-rate"]) == 16_000
    assert float(answer.headers["x-audio-duration"]) == pytest.approx(len(samples) / rate, abs=1e-3)
    assert np.abs(samples).max() > 100
    assert answer.headers["x-finish-reason"] in ("stop", "length")
    assert answer.headers["x-seed"] == "49"
    assert [part.split(";")[0] for part in answer.headers["server-timing"].split(", ")] == [
        "wake",
        "encode",
        "generate",
        "decode",
    ]


async def test_sample_rate_is_that_of_the_answer_and_changes_no_duration(
    client: httpx.AsyncClient, clip: bytes
) -> None:
    at_16, at_24 = await speak(client, clip), await speak(client, clip, sample_rate=24_000)
    rate, samples = frames(at_24.content)
    assert rate == int(at_24.headers["x-sample-rate"]) == 24_000
    assert len(samples) == frames(at_16.content)[1].size * 3 // 2
    assert at_24.headers["x-audio-duration"] == at_16.headers["x-audio-duration"]


async def test_a_missing_or_empty_ref_text_is_transcribed(client: httpx.AsyncClient) -> None:
    for pitch, fields in enumerate(({"target_text": "Hello."}, {"target_text": "Hello.", "ref_text": " "})):
        answer = await client.post("/api/tts", files={"audio": wav_file(voice(1.5 + pitch))}, data=fields)
        assert answer.status_code == 200, answer.text
        assert " transcribe;" in answer.headers["server-timing"]


async def test_the_same_request_gives_the_same_bytes_and_another_seed_others(
    client: httpx.AsyncClient, clip: bytes
) -> None:
    one, again = await speak(client, clip, random_seed=7), await speak(client, clip, random_seed=7)
    other = await speak(client, clip, random_seed=8)
    assert one.content == again.content
    assert one.content != other.content
    assert other.headers["x-seed"] == "8"


async def test_every_parameter_reaches_the_engine(
    service: Callable[..., SpeechService], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SpeechRequest] = []
    real = service()
    stream = real.synthesizer.stream

    def watched(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        asked.append(request)
        return stream(request, usage)

    monkeypatch.setattr(real.synthesizer, "stream", watched)
    async with client_of(real) as client:
        answer = await speak(
            client,
            clip,
            system_prompt="Sing it",
            temperature=0.5,
            top_k=7,
            top_p=0.25,
            penalty=1.5,
            random_seed=3,
            normalise="false",
            language="fr",
        )
    assert answer.status_code == 200, answer.text
    (request,) = asked
    sampling = request.sampling
    assert request.instruction == "Sing it"
    assert (request.normalise, request.language) == (False, "fr")
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 7, 0.25)
    assert (sampling.repetition_penalty, sampling.seed) == (1.5, 3)
    assert request.ref_text == "A reference."
    assert isinstance(request.text, Script)
    assert [segment.text for segment in request.text.segments] == ["Hello there."]
    assert isinstance(request.reference, np.ndarray)
    assert len(request.reference) == 24_000


@pytest.mark.parametrize("name", FORMATS)
async def test_every_kind_of_file_is_taken(client: httpx.AsyncClient, name: str) -> None:
    answer = await speak(client, encode(voice(1.5, FORMATS[name][2]), name))
    assert answer.status_code == 200, answer.text


async def test_a_long_text_is_spoken_in_parts(client: httpx.AsyncClient, clip: bytes) -> None:
    answer = await speak(client, clip, target_text="Some words that are said. " * 14)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["x-parts"]) >= 2


async def test_a_text_that_the_clip_does_not_say_is_refused_or_repaired_when_asked(
    client: httpx.AsyncClient, clip: bytes
) -> None:
    wrong = await speak(client, clip, ref_check="refuse")
    refused(wrong, 400, "invalid_text", "ref_text", "Heard: 'one two")
    repaired = await speak(client, clip, ref_check="repair")
    assert repaired.status_code == 200
    assert "was replaced" in repaired.headers["x-warnings"]


async def test_details_tell_what_was_heard_and_with_which_seeds(client: httpx.AsyncClient, clip: bytes) -> None:
    answer = await speak(client, clip, best_of=2, details="true")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert frames(base64.b64decode(told["audio"]))[0] == told["sample_rate"] == 16_000
    assert (told["seed"], told["ref_text"]) == (49, "A reference.")
    (part,) = told["parts"]
    assert (part["text"], part["attempts"]) == ("Hello there.", 2)
    assert set(told) >= {"captions", "srt", "vtt", "warnings", "duration", "finish_reason"}
    assert answer.headers["x-takes"] == "2"


async def test_a_verified_speech_has_its_score_and_words(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(service(verify=True)) as client:
        told = (await speak(client, clip, details="true", random_seed=3)).json()
    for part in told["parts"]:  # of one that a guard has found wrong already, too
        assert None not in (part["heard"], part["error"])


async def test_flaws_that_stay_are_told_of_or_with_strict_refused(
    service: Callable[..., SpeechService], clip: bytes
) -> None:
    # At temperature 0 random weights say the same thing over and over.
    flawed: dict[str, str | int | float] = {
        "temperature": 0,
        "target_text": "A rather long text, 你好, of which much should be heard, and is not.",
    }
    async with client_of(service()) as client:
        told = await speak(client, clip, **flawed)
        strict = await speak(client, clip, strict="true", **flawed)
    assert told.status_code == 200
    warnings = json.loads(told.headers["x-warnings"])
    assert any("A rather long text" in warning for warning in warnings)
    refused(strict, 422, "generation_failed", None, "without strict")
    assert strict.json()["error"]["type"] == "invalid_request_error"


async def test_a_copy_of_the_speech_is_kept_where_the_operator_wants_it(
    service: Callable[..., SpeechService], clip: bytes, tmp_path: Path
) -> None:
    async with client_of(service(outputs_dir=tmp_path / "outputs")) as client:
        answers = [await speak(client, clip, random_seed=seed) for seed in (1, 2)]
    kept = sorted(path.read_bytes() for path in (tmp_path / "outputs").iterdir())
    assert kept == sorted(answer.content for answer in answers)


async def test_it_can_be_streamed(client: httpx.AsyncClient, clip: bytes) -> None:
    streamed = await speak(client, clip, stream="true")
    whole = await speak(client, clip)
    assert streamed.headers["content-type"] == "audio/wav"
    assert streamed.content[40:44] == b"\xff" * 4
    assert "content-length" not in streamed.headers
    assert int.from_bytes(whole.content[40:44], "little") == len(whole.content) - 44


async def test_a_deadline_in_the_middle_of_a_long_text_frees_all_of_its_parts(
    service: Callable[..., SpeechService], models: Models, clip: bytes
) -> None:
    async with client_of(service(request_timeout=1)) as client:
        answer = await speak(client, clip, target_text="All work and no play makes Jack a dull boy. " * 80)
    refused(answer, 408, "timeout", None, "longer than 1 s")
    async with asyncio.timeout(60):
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
