"""What live sessions accept and refuse, on scripted models."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.audio.decoder import Decoder
from deployments.service.live import MOST_BYTES, NORMAL, POLICY, TOO_BIG
from tests.support.clips import voice, wav_file
from tests.support.live import CONFIG, Talk, talk
from tests.support.noted import NotedService, noted_service


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path)


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"voice": "nobody"}, "voice", "There is no voice"),
        ({"voice": None}, "voice", "Give a voice or a clip."),
        ({"sped": 2}, "sped", "Did you mean speed?"),
        ({"speed": 9}, "speed", "less than or equal to 4"),
        ({"split_granularity": "word"}, "split_granularity", "sentence"),
        ({"ref_audio": "https://example.com/a.wav"}, "ref_audio", "data URLs"),
    ],
)
async def test_a_wrong_configuration_is_described_and_can_be_mended(
    service: NotedService, fields: dict[str, Any], param: str, words: str
) -> None:
    async with talk(service) as client:
        client.configure(**fields)
        error = await client.message("error")
        assert error["param"] == param
        assert words in error["message"]
        client.configure(backend="x", stream_audio=True, speaker="alloy", language="Auto")
        assert sorted((await client.message("session.configured"))["ignored"]) == ["backend", "speaker", "stream_audio"]


async def test_the_configuration_changes_between_utterances_only(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        client.say("input.text", text="Good")
        client.configure(voice="nova")
        assert (await client.message("error"))["message"].startswith("Send input.done or input.cancel")
        client.say("input.done")
        client.configure(voice="nova")
        client.say("input.text", text="evening")
        client.say("input.done")
        await client.heard("session.done")
        await client.heard("session.done")
    assert [params.voice for params in service.seen] == ["alloy", "nova"]


async def test_a_clip_speaks_in_place_of_a_voice(service: NotedService) -> None:
    clip = "data:audio/wav;base64," + base64.b64encode(wav_file(voice(1.5))).decode()
    async with talk(service) as client:
        client.configure(voice=None, ref_audio=clip, ref_text="A reference.")
        client.say("input.text", text="Good morning everyone, this is my voice.")
        client.say("input.done")
        found = await client.heard("session.done")
    assert [m["error"] for m in found if isinstance(m, dict) and m["type"] == "audio.done"] == [False, False]


async def test_text_needs_a_configuration(service: NotedService) -> None:
    async with talk(service) as client:
        client.say("input.text", text="Hello")
        assert "must be session.config" in (await client.message("error"))["message"]


async def test_a_key_may_come_in_the_first_message(service: NotedService) -> None:
    names = {"sk-one": "alice"}
    async with talk(service, None, identify=names.get) as client:
        client.configure(api_key="sk-one")
        await client.message("session.configured")
        client.say("input.done")
        await client.message("session.done")


@pytest.mark.parametrize(
    "message", [CONFIG, CONFIG | {"api_key": "sk-two"}, {"type": "input.text", "text": "x"}, {"type": "session.close"}]
)
async def test_a_session_without_a_key_is_closed(service: NotedService, message: dict[str, Any]) -> None:
    async with talk(service, None, identify={"sk-one": "alice"}.get) as client:
        client.say(**message)
        assert (await client.message("error"))["code"] == "invalid_api_key"
        assert await client.code() == POLICY


async def test_too_long_a_message_closes_the_session(service: NotedService) -> None:
    async with talk(service) as client:
        client.say("input.text", text="é" * (MOST_BYTES // 2 + 1))
        client.inbox.put_nowait("x" * (MOST_BYTES + 1))
        assert await client.code() == TOO_BIG


async def test_too_much_text_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, max_text_length=10)
    async with talk(service) as client:
        client.configure()
        client.say("input.text", text="a" * 101)
        error = await client.message("error")
        assert (error["code"], error["param"]) == ("invalid_text", "text")


async def test_an_idle_session_is_closed(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, live_idle_timeout=0.01)
    client = Talk(service)
    assert (await client.message("error"))["code"] == "timeout"
    assert await client.code() == NORMAL


KINDS = st.sampled_from(
    ["session.config", "input.text", "input.done", "input.cancel", "session.close", "audio.start", "", "x"]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["alloy", "Hello there, you. ", "...", "\ud800", "wav", "none"]),
    st.lists(st.none(), max_size=2),
)
FIELDS = st.dictionaries(
    st.sampled_from(["text", "voice", "speed", "seed", "response_format", "split_granularity", "api_key", "é"]),
    VALUES,
    max_size=3,
)
MESSAGES = st.one_of(
    st.builds(lambda kind, fields: json.dumps({**fields, "type": kind}), KINDS, FIELDS),
    st.just(json.dumps(CONFIG)),
    st.builds(lambda text: json.dumps({"type": "input.text", "text": text}), st.text(max_size=12)),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.sampled_from(["null", "[]", "1", '"x"', "{", "[" * 5000, '{"type": []}', '{"type": NaN}']),
)


@pytest.fixture(scope="module")
def shared(decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> NotedService:
    return noted_service(decoder, tmp_path_factory.mktemp("live"))


@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(MESSAGES, max_size=8))
def test_no_sequence_of_messages_breaks_a_session(shared: NotedService, messages: list[str | bytes]) -> None:
    async def sent() -> None:
        client = Talk(shared)
        for message in messages:
            client.inbox.put_nowait(message)
        client.say("session.close")
        assert await client.code() == NORMAL
        client.inbox.put_nowait(None)
        assert shared.admission.running == 0

    asyncio.run(sent())
