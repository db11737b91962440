"""Live sessions without HTTP, on scripted models."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.audio.decoder import Decoder
from deployments.errors import Overloaded
from deployments.service.live import MOST_BYTES, NORMAL, POLICY, TOO_BIG, LiveSession
from tests.support.clips import voice, wav_file
from tests.support.noted import NotedService, noted_service
from tests.support.scripted import PATIENCE, ScriptedLM

CONFIG = {"type": "session.config", "voice": "alloy"}
TEXT = "Good morning everyone, this is the first sentence. Here is the second one."


class Talk:
    """A client of one session, in memory."""

    def __init__(self, service: NotedService, client: str | None = "me", **options: Any) -> None:
        self.inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue()
        self.hold = asyncio.Event()
        self.hold.set()
        """Cleared: the client does not read."""
        session = LiveSession(service, self.inbox.get, self._send, client, **options)
        self.ended = asyncio.create_task(session.run())

    async def _send(self, message: Mapping[str, Any] | bytes) -> None:
        await self.hold.wait()
        self.outbox.put_nowait(message if isinstance(message, bytes) else json.loads(json.dumps(message)))

    def say(self, type: str, **fields: Any) -> None:
        self.inbox.put_nowait(json.dumps({"type": type, **fields}))

    def configure(self, **fields: Any) -> None:
        self.say(**CONFIG | fields)

    async def heard(self, kind: str) -> list[dict[str, Any] | bytes]:
        """What came up to and with a message of this kind."""
        found: list[dict[str, Any] | bytes] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.outbox.get()
                found.append(message)
                if isinstance(message, dict) and message["type"] == kind:
                    return found

    async def message(self, kind: str) -> dict[str, Any]:
        message = (await self.heard(kind))[-1]
        assert isinstance(message, dict)
        return message

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.ended


@asynccontextmanager
async def talk(service: NotedService, client: str | None = "me", **options: Any) -> AsyncIterator[Talk]:
    talk = Talk(service, client, **options)
    try:
        yield talk
    finally:
        talk.hold.set()
        talk.inbox.put_nowait(None)
        await talk.code()
        assert service.admission.running == 0


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path)


def lm_of(service: NotedService) -> ScriptedLM:
    lm = service.synthesizer._lm
    assert isinstance(lm, ScriptedLM)
    return lm


def texts(messages: list[dict[str, Any] | bytes]) -> list[str]:
    starts = [m for m in messages if isinstance(m, dict) and m["type"] == "audio.start"]
    assert [start["sentence_index"] for start in starts] == list(range(len(starts)))
    return [start["sentence_text"] for start in starts]


async def test_text_in_any_pieces_is_spoken_unit_by_unit(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        configured = await client.message("session.configured")
        assert (configured["sample_rate"], configured["response_format"]) == (24_000, "pcm")
        for at in range(0, len(TEXT), 3):
            client.say("input.text", text=TEXT[at : at + 3])
        client.say("input.done")
        found = await client.heard("session.done")
    expected = ["Good morning everyone,", "this is the first sentence.", "Here is the second one."]
    assert texts(found) == expected
    assert found[0] == {
        "type": "audio.start",
        "utterance_index": 0,
        "sentence_index": 0,
        "sentence_text": expected[0],
        "format": "pcm",
        "sample_rate": 24_000,
    }
    assert found[-1] == {"type": "session.done", "utterance_index": 0, "total_sentences": 3}
    done = [m for m in found if isinstance(m, dict) and m["type"] == "audio.done"]
    assert sum(m["total_bytes"] for m in done) == sum(len(m) for m in found if isinstance(m, bytes)) > 0
    assert {params.seed for params in service.seen} == {service.seen[0].seed}
    assert {params.voice for params in service.seen} == {"alloy"}


async def test_speech_begins_before_the_sentence_is_written(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        client.say("input.text", text="Good morning everyone, this")
        await client.message("audio.done")
        assert [params.input for params in service.seen] == ["Good morning everyone,"]


async def test_no_unit_waits_for_more_than_the_word_after_it(service: NotedService) -> None:
    units = {"everyone,": "Good morning everyone,", "Here": "this is the first sentence."}
    async with talk(service) as client:
        client.configure()
        for word in ["Good", "morning", "everyone,", "this", "is", "the", "first", "sentence.", "Here", "is", "the"]:
            client.say("input.text", text=f" {word}")
            if word in units:  # the next word is not written before it has been spoken
                assert (await client.message("audio.start"))["sentence_text"] == units[word]
                await client.message("audio.done")


async def test_a_session_has_several_utterances(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure(response_format="wav", sample_rate=16_000)
        for number in range(3):
            client.say("input.text", text=f"This is number {number}.")
            client.say("input.done")
        client.say("session.close")
        ends = [await client.message("session.done") for _ in range(3)]
        assert [end["utterance_index"] for end in ends] == [0, 1, 2]
        assert await client.code() == NORMAL


async def test_a_flush_without_text_is_confirmed(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        client.say("input.done")
        assert (await client.message("session.done"))["total_sentences"] == 0


async def test_what_is_left_is_spoken_before_the_session_closes(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        client.say("input.text", text="The end is")
        client.say("session.close")
        assert texts(await client.heard("session.done")) == ["The end is"]
        assert await client.code() == NORMAL


async def test_barge_in_frees_the_engine_and_the_session_goes_on(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        await client.message("session.configured")
        client.say("input.text", text="Good morning everyone, " + "this goes on and on. " * 20)
        await client.message("audio.start")
        client.hold.clear()  # the speech is under way
        client.say("input.cancel")
        client.hold.set()
        end = await client.message("session.done")
        assert (end["utterance_index"], end["cancelled"]) == (0, True)
        assert (lm_of(service).running, service.admission.running) == (0, 0)
        spoken = len(service.seen)
        assert spoken < 20
        client.say("input.text", text="What did you say?")
        client.say("input.done")
        found = await client.heard("session.done")
        assert texts(found) == ["What did you say?"]
        assert found[-1] == {"type": "session.done", "utterance_index": 1, "total_sentences": 1}


async def test_a_cancel_with_nothing_to_drop_is_confirmed(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        client.say("input.cancel")
        assert (await client.message("session.done"))["cancelled"]


async def test_a_cancel_ends_every_utterance_that_waits(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure()
        await client.message("session.configured")
        client.hold.clear()
        for _ in range(3):
            client.say("input.text", text="This is one of three.")
            client.say("input.done")
        client.say("input.cancel")
        async with asyncio.timeout(PATIENCE):
            while client.inbox.qsize():
                await asyncio.sleep(0)
        client.hold.set()
        assert [(await client.message("session.done"))["utterance_index"] for _ in range(3)] == [0, 1, 2]


async def test_nothing_is_left_of_a_client_that_is_gone_in_mid_word(service: NotedService) -> None:
    client = Talk(service)
    client.configure()
    client.say("input.text", text="Good morning everyone, " + "this goes on and on. " * 20)
    await client.message("audio.start")
    client.inbox.put_nowait(None)
    assert await client.code() == NORMAL
    assert (lm_of(service).running, service.admission.running, service.admission.waiting) == (0, 0, 0)


async def test_two_sessions_alternate(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, max_running_requests=1)
    async with talk(service, "one") as one, talk(service, "two") as two:
        for client in (one, two):
            client.configure()
            client.say("input.text", text="Now this is being said. " * 6)
            client.say("input.done")
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(one.heard("session.done"), two.heard("session.done"))
        assert lm_of(service).most_running == 1


@pytest.mark.parametrize("names", [1, 20])
async def test_twenty_equal_sessions_begin_and_end_together(decoder: Decoder, tmp_path: Path, names: int) -> None:
    service = noted_service(decoder, tmp_path, max_running_requests=1)
    heard: Counter[int] = Counter()  # units of each session that can be heard
    spread: list[int] = []

    async def listen(number: int, client: Talk) -> None:
        for _ in range(6):
            await client.message("audio.start")
            assert isinstance(await client.outbox.get(), bytes)
            heard[number] += 1
            spread.append(heard[number] - min(heard[each] for each in range(20)))
        await client.message("session.done")

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(talk(service, f"client {n % names}")) for n in range(20)]
        async with asyncio.timeout(PATIENCE):
            async with service.admission.turn("another"):
                for client in clients:
                    client.configure()
                    client.say("input.text", text="Now this is being said. " * 6)
                    client.say("input.done")
                while service.admission.waiting < 20:
                    await asyncio.sleep(0)
            await asyncio.gather(*(listen(number, client) for number, client in enumerate(clients)))
    # Nobody hears a unit before everybody has heard the one before: all begin before one goes on, and so they end.
    assert max(spread) == 1


async def test_a_unit_that_fails_does_not_end_the_session(
    service: NotedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def turn(self, name: str) -> Any:
            raise Overloaded("Too many requests are waiting: try again later.")

    with monkeypatch.context() as patch:
        patch.setattr(service.admission, "turn", Full().turn)
        async with talk(service) as client:
            client.configure()
            client.say("input.text", text="Nobody can hear this.")
            client.say("input.done")
            error = await client.message("error")
            assert (error["code"], error["sentence_index"]) == ("overloaded", 0)
            assert (await client.message("audio.done"))["error"]
            patch.undo()
            client.say("input.text", text="But this is heard.")
            client.say("input.done")
            assert not (await client.message("audio.done"))["error"]


async def test_an_utterance_has_a_deadline(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, request_timeout=0.05)
    async with talk(service) as client:
        client.configure()
        client.say("input.text", text="Good morning everyone, " + "it is late. " * 20)
        await client.message("audio.start")
        client.hold.clear()  # the client does not read
        async with asyncio.timeout(PATIENCE):
            while service.admission.running or not service.seen:
                await asyncio.sleep(0.01)
        client.hold.set()
        assert (await client.message("error"))["code"] == "timeout"


async def test_words_have_times_on_request(service: NotedService) -> None:
    async with talk(service) as client:
        client.configure(word_timestamps=True)
        client.say("input.text", text="...")  # needs no ear
        client.say("input.done")
        chunk = await client.message("audio.chunk")
    assert (chunk["audio_b64"], chunk["timestamps"]) == ("", [])
    (params,) = service.seen
    assert params.verify


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
