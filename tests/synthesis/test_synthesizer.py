"""Synthesis on the real tiny models."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from deployments.errors import InvalidAudio
from deployments.llasa.protocol import Sampling
from deployments.residency.protocol import MODELS
from deployments.synthesis.events import Audio, Finished, Part, Progress, SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest, Synthesizer
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.clips import voice

PATIENCE = 60
REQUEST = SpeechRequest("Hello there, all of you.", voice(1.5), "A reference.", sampling=Sampling(seed=7))
"""Takes of random weights rarely last as long as their text should."""


@pytest.fixture
def residency() -> Still:
    return Still()


@pytest.fixture
def synthesizer(models: Models, residency: Still) -> Synthesizer:
    return Synthesizer(models.lm, models.codec, models.transcriber, residency)


async def events_of(synthesizer: Synthesizer, request: SpeechRequest) -> list[SpeechEvent]:
    async with asyncio.timeout(PATIENCE):
        return [event async for event in synthesizer.stream(request)]


async def test_stages_then_audio_in_pieces_then_once_the_end(synthesizer: Synthesizer) -> None:
    events = await events_of(synthesizer, REQUEST)
    assert events[:3] == [Progress("waking"), Progress("encoding"), Progress("speaking", 1, 1)]
    *pieces, part, last = events[3:]
    assert isinstance(part, Part)
    assert len(pieces) > 1
    for piece in pieces:
        assert isinstance(piece, Audio)
        assert piece.wav.dtype == np.float32
        assert len(piece.wav)
    assert part.start == 0
    assert round(part.seconds * SAMPLE_RATE) == sum(len(piece.wav) for piece in pieces if isinstance(piece, Audio))
    assert isinstance(last, Finished)
    assert last.finish in ("stop", "length")
    assert (last.seed, last.ref_text) == (7, "A reference.")
    assert list(last.timings) == ["wake", "encode", "generate", "decode"]


async def test_speech_collected_and_speech_streamed_are_the_same_samples(synthesizer: Synthesizer) -> None:
    speech = await synthesizer.speak(REQUEST)
    events = await events_of(synthesizer, replace(REQUEST, streamed=False))
    streamed = np.concatenate([event.wav for event in events if isinstance(event, Audio)])
    assert np.array_equal(speech.wav, streamed)
    assert not len(speech.wav) % HOP


async def test_a_prepared_reference_speaks_as_its_clip_does_and_needs_no_other_model(
    synthesizer: Synthesizer, residency: Still
) -> None:
    assert isinstance(REQUEST.reference, np.ndarray)
    reference = await synthesizer.prepare(REQUEST.reference, "A reference.")
    prepared = await events_of(synthesizer, replace(REQUEST, reference=reference, ref_text=None, streamed=False))
    assert residency.orders[-1] == ("held", "Llasa", "XCodec2")
    assert [event.stage for event in prepared if isinstance(event, Progress)] == ["waking", "speaking"]
    spoken = np.concatenate([event.wav for event in prepared if isinstance(event, Audio)])
    assert np.array_equal(spoken, (await synthesizer.speak(REQUEST)).wav)


async def test_a_reference_without_its_text_is_listened_to(synthesizer: Synthesizer, residency: Still) -> None:
    events = await events_of(synthesizer, replace(REQUEST, ref_text=None))
    assert Progress("listening") in events
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.ref_text
    assert set(residency.orders[-1]) == {"held", *MODELS}
    assert (await synthesizer.prepare(voice(1.5))).text == last.ref_text


async def test_hearing_a_clip_needs_whisper_only(synthesizer: Synthesizer, residency: Still) -> None:
    heard = await synthesizer.hear(voice(1.5))
    assert residency.orders == [("held", "Whisper")]
    prepared = await synthesizer.prepare(voice(1.5))
    assert (prepared.text, prepared.warnings) == (heard.text, heard.warnings)
    assert heard.warnings


async def test_a_reference_in_which_nothing_is_heard_is_refused(synthesizer: Synthesizer) -> None:
    with pytest.raises(InvalidAudio, match="No speech is heard"):
        await synthesizer.prepare(np.zeros(16_000, np.float32))


@pytest.mark.parametrize("after", [Progress, Audio])
async def test_closing_early_frees_the_place_in_the_engine_at_once(
    synthesizer: Synthesizer, models: Models, after: type[SpeechEvent]
) -> None:
    long = replace(REQUEST, text="word " * 50)
    async with asyncio.timeout(PATIENCE), aclosing(synthesizer.stream(long)) as events:
        async for event in events:
            if isinstance(event, after):
                break
    async with asyncio.timeout(PATIENCE):
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)


async def test_a_cancelled_request_frees_its_place(synthesizer: Synthesizer, models: Models) -> None:
    async with asyncio.timeout(PATIENCE):
        task = asyncio.create_task(synthesizer.speak(replace(REQUEST, text="word " * 50)))
        while not (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
