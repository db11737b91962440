"""The real OpenAI SDK against the application on the real tiny models."""

import base64
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from deployments.audio.encoder import Format, rate_of
from deployments.service.service import SpeechService
from tests.audio.test_encoder import FORMATS, decoded
from tests.support.clips import voice, wav_file
from tests.support.serving import served

TEXT = "Hello there, this is a voice."
REQUEST: dict[str, Any] = {"model": "tts-1", "input": TEXT, "voice": "alloy"}


@pytest.fixture(scope="module")
def url(module_service: Callable[..., SpeechService]) -> Iterator[str]:
    with served(module_service(api_keys="alice=sk-one,bob=sk-two", max_text_length=400)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(api_key="sk-two", base_url=f"{url}/v1", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def pcm(url: str) -> bytes:
    """What `REQUEST` says, at 24 kHz."""
    with OpenAI(api_key="sk-one", base_url=f"{url}/v1", max_retries=0, timeout=60) as client:
        return client.audio.speech.create(**REQUEST, response_format="pcm").content


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("streamed", [True, False])
def test_speech_in_every_format_streamed_and_not(client: OpenAI, pcm: bytes, format: Format, streamed: bool) -> None:
    if streamed:
        with client.audio.speech.with_streaming_response.create(**REQUEST, response_format=format) as answer:
            parts = list(answer.iter_bytes())
            headers = answer.headers
        file = b"".join(parts)
        assert "x-finish-reason" not in headers
    else:
        whole = client.audio.speech.with_raw_response.create(
            **REQUEST, response_format=format, extra_body={"stream": False}
        )
        file, headers = whole.content, whole.headers
        assert headers["x-finish-reason"] in ("stop", "length")
        assert int(headers["content-length"]) == len(file)
    rate, heard = decoded(file, format, 24_000)
    assert rate == int(headers["x-sample-rate"]) == rate_of(format, 24_000)
    assert len(heard) / rate == pytest.approx(len(pcm) / 2 / 24_000, abs=0.1)
    assert headers["x-seed"] == "49"


async def test_the_async_client_streams_too(url: str, pcm: bytes) -> None:
    async with (
        AsyncOpenAI(api_key="sk-one", base_url=f"{url}/v1", max_retries=0, timeout=60) as client,
        client.audio.speech.with_streaming_response.create(**REQUEST, response_format="pcm") as answer,
    ):
        parts = [part async for part in answer.iter_bytes()]
    assert b"".join(parts) == pcm
    assert len(parts) > 1


def test_a_stream_decodes_to_what_the_whole_file_does(client: OpenAI) -> None:
    for format in FORMATS:
        streamed = client.audio.speech.create(**REQUEST, response_format=format).content
        whole = client.audio.speech.create(**REQUEST, response_format=format, extra_body={"stream": False}).content
        assert (decoded(streamed, format, 24_000)[1] == decoded(whole, format, 24_000)[1]).all()


def test_events_carry_the_same_bytes_and_the_usage(client: OpenAI, pcm: bytes) -> None:
    with client.audio.speech.with_streaming_response.create(
        **REQUEST, response_format="pcm", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
    found = [json.loads(event) for event in events]
    deltas = [event for event in found if event["type"] == "speech.audio.delta"]
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == pcm
    assert len(deltas) > 1
    (done,) = [event for event in found if event["type"] == "speech.audio.done"]
    assert done is found[-1]
    assert done["finish_reason"] in ("stop", "length")
    usage = done["usage"]
    assert usage["output_tokens"] == pytest.approx(len(pcm) / 2 / 24_000 * 50, abs=1)
    assert usage["input_tokens"] > len(TEXT.split())
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_extensions_change_the_speech(client: OpenAI, pcm: bytes) -> None:
    def spoken(speed: float = 1.0, **extra: Any) -> bytes:
        answer = client.audio.speech.create(**REQUEST, response_format="pcm", speed=speed, extra_body=extra)
        return answer.content

    assert spoken(seed=49) == pcm
    assert spoken(seed=1) != pcm
    for field, value in {"temperature": 0.1, "top_p": 0.1, "top_k": 1}.items():
        assert spoken(**{field: value}) != pcm, field
    assert len(spoken(sample_rate=48_000)) == 2 * len(pcm)
    assert len(spoken(max_new_tokens=20)) == 20 * 480 * 2
    assert len(spoken(speed=2.0)) == pytest.approx(len(pcm) / 2, abs=0.1 * 48_000)


def test_a_clip_speaks_in_place_of_the_voice(client: OpenAI, pcm: bytes) -> None:
    clip = "data:audio/wav;base64," + base64.b64encode(wav_file(voice(1.5))).decode()

    def spoken(**extra: Any) -> bytes:
        return client.audio.speech.create(**REQUEST, response_format="pcm", extra_body=extra).content

    told = spoken(ref_audio=clip, ref_text="A reference.")
    assert told not in (pcm, spoken(ref_audio=clip))


def test_instructions_are_taken_and_said_to_have_no_effect(client: OpenAI, pcm: bytes) -> None:
    answer = client.audio.speech.with_raw_response.create(**REQUEST, response_format="pcm", instructions="Whisper it.")
    assert answer.content == pcm
    assert answer.headers["x-ignored"] == "instructions"


def clip() -> tuple[str, bytes]:
    return "clip.wav", wav_file(voice(2.0))


def test_transcription_in_every_format(client: OpenAI) -> None:
    def heard(**options: Any) -> Any:
        return client.audio.transcriptions.create(model="whisper-1", file=clip(), **options)

    plain = heard()
    assert plain.text
    assert plain.usage.type == "duration"
    assert plain.usage.seconds == 2
    assert heard(response_format="text") == plain.text + "\n"
    assert heard(response_format="srt").startswith("1\n00:00:0")
    assert heard(response_format="vtt").startswith("WEBVTT\n\n00:00:0")
    verbose = heard(response_format="verbose_json")
    assert (verbose.text, verbose.language, verbose.duration) == (plain.text, "en", 2.0)
    assert " ".join(segment.text for segment in verbose.segments) == plain.text
    assert verbose.words is None
    words = heard(response_format="verbose_json", timestamp_granularities=["word"])
    assert words.segments is None
    assert all(0 <= word.start <= word.end <= 2.1 for word in words.words)
    both = heard(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert len(both.words) == len(words.words) > 0
    assert both.segments


def test_language_prompt_and_temperature_are_taken(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=clip(),
        language="de",
        prompt="Names.",
        temperature=0.2,
        response_format="verbose_json",
        chunking_strategy="auto",
    )
    assert answer.language == "de"


def test_a_transcription_can_be_streamed(client: OpenAI) -> None:
    with client.audio.transcriptions.create(model="whisper-1", file=clip(), stream=True) as stream:
        events = list(stream)
    assert [event.type for event in events[:-1]] == ["transcript.text.delta"] * (len(events) - 1)
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert done.text
    assert done.text == "".join(event.delta for event in events[:-1] if event.type == "transcript.text.delta")
    assert done.usage
    assert done.usage.total_tokens > math.ceil(2.0 * 50)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_translation(client: OpenAI) -> None:
    assert client.audio.translations.create(model="whisper-1", file=clip()).text
    verbose = client.audio.translations.create(model="whisper-1", file=clip(), response_format="verbose_json")
    assert verbose.duration == 2.0


def test_models(client: OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert {"nano", "tts-1", "gpt-4o-mini-tts", "tiny", "whisper-1"} <= set(ids)
    assert client.models.retrieve("tts-1").owned_by == "llasa-serve"


def test_a_voice_is_made_used_and_deleted(client: OpenAI, pcm: bytes) -> None:
    made = client.audio.voices.create(
        name="narrator", audio_sample=clip(), consent="my own", extra_body={"ref_text": "A reference."}
    )
    assert made.object == "audio.voice"
    for key in (made.id, made.name, {"id": made.id}):
        spoken = client.audio.speech.create(**REQUEST | {"voice": key}, response_format="pcm")
        assert spoken.content != pcm
    sample = client.get(f"/audio/voices/{made.id}/sample", cast_to=httpx.Response)
    assert (sample.headers["content-type"], sample.content[:4]) == ("audio/wav", b"RIFF")
    renamed: Any = client.patch(f"/audio/voices/{made.id}", body={"name": "storyteller"}, cast_to=object)
    assert renamed["name"] == "storyteller"
    client.delete(f"/audio/voices/{renamed['id']}", cast_to=object)
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(**REQUEST | {"voice": "narrator"})


def test_failures_are_the_exceptions_of_the_sdk(client: OpenAI, url: str) -> None:
    with OpenAI(api_key="wrong", base_url=f"{url}/v1", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as unknown:
            stranger.audio.speech.create(**REQUEST)
        assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as empty:
        client.audio.speech.create(**REQUEST | {"input": " "})
    assert (empty.value.code, empty.value.param) == ("invalid_text", "input")
    with pytest.raises(openai.BadRequestError):
        client.audio.speech.create(**REQUEST | {"input": "a" * 401})
    with pytest.raises(openai.NotFoundError) as no_voice:
        client.audio.speech.create(**REQUEST | {"voice": "nobody"})
    assert no_voice.value.param == "voice"
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(**REQUEST | {"model": "gpt-4"})
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")
    with pytest.raises(openai.UnprocessableEntityError) as fast:
        client.audio.speech.create(**REQUEST, speed=9)
    assert fast.value.param == "speed"
    with pytest.raises(openai.ConflictError):
        client.audio.voices.create(name="Alloy", audio_sample=clip(), consent="my own")


def test_too_many_requests_are_the_sdks_rate_limit(module_service: Callable[..., SpeechService]) -> None:
    with (
        served(module_service(max_queued_requests=0, max_running_requests=1)) as url,
        OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0, timeout=60) as client,
        # As long as its bytes are not read, this one is at work.
        client.audio.speech.with_streaming_response.create(
            **REQUEST | {"input": TEXT * 8}, response_format="wav", extra_body={"sample_rate": 48_000}
        ) as answer,
    ):
        with pytest.raises(openai.RateLimitError) as busy:
            client.audio.speech.create(**REQUEST)
        assert int(busy.value.response.headers["retry-after"]) > 0
        assert len(b"".join(answer.iter_bytes())) > 100_000


async def test_the_asynchronous_client_speaks_and_writes_in_every_manner(url: str, pcm: bytes) -> None:
    async with AsyncOpenAI(api_key="sk-one", base_url=f"{url}/v1", max_retries=0, timeout=60) as client:
        whole = await client.audio.speech.create(**REQUEST, response_format="pcm", extra_body={"stream": False})
        assert whole.content == pcm
        async with client.audio.speech.with_streaming_response.create(
            **REQUEST, response_format="pcm", stream_format="sse"
        ) as answer:
            events = [json.loads(line[6:]) async for line in answer.iter_lines() if line.startswith("data: ")]
        assert b"".join(base64.b64decode(event.get("audio", "")) for event in events) == pcm
        written = await client.audio.transcriptions.create(model="whisper-1", file=clip())
        pieces = [
            event
            async for event in await client.audio.transcriptions.create(model="whisper-1", file=clip(), stream=True)
        ]
        assert pieces[-1].type == "transcript.text.done"
        assert pieces[-1].text == written.text
        with pytest.raises(openai.NotFoundError):
            await client.audio.speech.create(**REQUEST | {"voice": "nobody"})
