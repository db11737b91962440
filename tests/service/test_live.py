"""Live sessions without HTTP, on scripted models."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from deployments.audio.decoder import Decoder
from deployments.errors import Overloaded
from deployments.service.live import NORMAL
from tests.support.live import TEXT, Talk, talk
from tests.support.noted import NotedService, noted_service
from tests.support.scripted import PATIENCE, ScriptedLM


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
