"""The limits and defaults that settings give to requests."""

from collections.abc import Callable

from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_tts import TEXT, speak
from tests.support.clips import voice, wav_file
from tests.support.refusal import refused


async def test_max_text_length(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(service(max_text_length=5)) as client:
        refused(await speak(client, clip), 400, "invalid_text", "target_text", "at most 5 are taken")


async def test_min_and_max_audio_duration(service: Callable[..., SpeechService]) -> None:
    async with client_of(service(min_audio_duration=1, max_audio_duration=2)) as client:
        refused(await speak(client, wav_file(voice(0.9))), 400, "invalid_audio", "audio", "at least 1 s")
        refused(await speak(client, wav_file(voice(2.1))), 400, "invalid_audio", "audio", "longer than 2 s")
        assert (await speak(client, wav_file(voice(1.5)))).status_code == 200


async def test_max_transcription_duration(service: Callable[..., SpeechService]) -> None:
    async with client_of(service(max_transcription_duration=3)) as client:
        answer = await client.post("/api/transcribe", files={"audio": wav_file(voice(3.2))})
        refused(answer, 400, "invalid_audio", "audio", "longer than 3 s")


async def test_defaults_of_rate_and_seed(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(service(default_sample_rate=24_000, default_random_seed=5)) as client:
        answer = await client.post("/api/tts", files={"audio": clip}, data=TEXT)
    assert answer.headers["x-sample-rate"] == "24000"
    assert answer.headers["x-seed"] == "5"
