"""Texts spoken in parts."""

import asyncio
import weakref
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from deployments.audio.loudness import frame_levels, loudness
from deployments.llasa.protocol import CodeChunk, Codes, TakeRequest
from deployments.synthesis.events import Audio
from deployments.synthesis.narration import AHEAD
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.scripted import (
    PATIENCE,
    REQUEST,
    TEXT,
    Script,
    ScriptedLM,
    ToneCodec,
    hush,
    speak,
    spoken,
    stream,
    synthesizer,
)

LONG = " ".join(f"This is sentence number {n} of a text that goes on for a good while, as texts do." for n in range(62))


async def test_5000_characters_are_one_speech_in_order_with_steady_loudness_and_no_clicks() -> None:
    class Uneven(ToneCodec):
        async def decode(self, codes: Codes, start: int = 0) -> np.ndarray:
            return await super().decode(codes, start) * np.float32(0.5 + int(codes[-1]) % 7 / 6)

    assert len(LONG) > 5000
    lm = ScriptedLM(lambda request: np.concatenate([hush(20), spoken(request), hush(30)]))
    speech = await speak(synthesizer(lm), replace(REQUEST, text=LONG))
    parts = speech.finished.parts
    assert len(parts) > 20
    assert " ".join(part.text for part in parts) == LONG
    assert speech.finished.warnings == ()
    levels = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        end = part.start + part.seconds
        levels.append(loudness(speech.wav[round(part.start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]))
        if following:
            pause = speech.wav[round(end * SAMPLE_RATE) : round(following.start * SAMPLE_RATE)]
            assert len(pause) >= 0.05 * SAMPLE_RATE
            assert not pause.any()
    np.testing.assert_allclose(levels, levels[0], rtol=0.02)
    inside = 2 * np.pi * 200 / SAMPLE_RATE * np.abs(speech.wav).max() * 1.02
    assert np.abs(np.diff(speech.wav)).max() <= inside
    assert len(speech.wav) / SAMPLE_RATE == pytest.approx(parts[-1].start + parts[-1].seconds)


async def test_a_stream_holds_no_more_of_a_text_ten_times_as_long() -> None:
    async def most_held(text: str) -> int:
        """Takes' sound that is held at once, in bytes."""
        codec = Remembering()
        most = 0
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(synthesizer(ScriptedLM(), codec).stream(replace(REQUEST, text=text))) as events,
        ):
            async for event in events:
                del event
                most = max(most, codec.held())
        return most

    class Remembering(ToneCodec):
        def __init__(self) -> None:
            super().__init__()
            self._made: list[weakref.ref[Waveform]] = []

        async def decode(self, codes: Codes, start: int = 0) -> Waveform:
            wav = await super().decode(codes, start)
            self._made.append(weakref.ref(wav))
            return wav

        def held(self) -> int:
            return sum(wav.nbytes for made in self._made if (wav := made()) is not None)

    assert await most_held(LONG * 10) <= 1.2 * await most_held(LONG)


async def test_silence_around_takes_is_trimmed_to_the_planned_pause() -> None:
    lm = ScriptedLM(lambda request: np.concatenate([hush(60), spoken(request), hush(60)]))
    speech = await speak(synthesizer(lm), replace(REQUEST, text=f"{TEXT}\n\n{TEXT}"))
    quiet = np.flatnonzero(frame_levels(speech.wav) < 1e-6)
    longest = max(len(run) for run in np.split(quiet, np.flatnonzero(np.diff(quiet) != 1) + 1))
    assert longest / 50 == pytest.approx(0.6, abs=0.03)


async def test_parts_that_are_cut_between_words_fade_into_each_other_and_are_the_same_streamed_and_whole() -> None:
    lm = ScriptedLM(lambda request: np.concatenate([hush(10), spoken(request), hush(10)]))
    request = replace(REQUEST, text=" ".join(["word"] * 200))
    speech = await speak(synthesizer(lm), request)
    first, *parts = speech.finished.parts
    assert len(parts) > 2
    for part, following in pairwise(parts):
        assert 0.04 <= part.start + part.seconds - following.start <= 0.06
    assert first.start + first.seconds <= parts[0].start
    assert len(speech.wav) / SAMPLE_RATE == pytest.approx(parts[-1].start + parts[-1].seconds)
    assert np.abs(np.diff(speech.wav)).max() <= 2 * np.pi * 200 / SAMPLE_RATE * np.abs(speech.wav).max() * 1.02
    streamed = [event.wav for event in await stream(synthesizer(lm), request) if isinstance(event, Audio)]
    np.testing.assert_array_equal(np.concatenate(streamed), speech.wav)


async def test_first_audio_comes_as_soon_for_a_long_text_as_for_a_short_one() -> None:
    made = []
    for text in (TEXT, LONG):
        lm = ScriptedLM(every=5)
        async with asyncio.timeout(PATIENCE), aclosing(synthesizer(lm).stream(replace(REQUEST, text=text))) as events:
            async for event in events:
                if isinstance(event, Audio):
                    made.append((lm.codes, len(lm.requests)))
                    break
    assert made[0] == made[1] == (25, 1)  # the first window has 24 codes


async def test_chunks_are_made_side_by_side_but_not_too_many_and_wait_for_a_slow_listener() -> None:
    lm = ScriptedLM()
    async with asyncio.timeout(PATIENCE), aclosing(synthesizer(lm).stream(replace(REQUEST, text=LONG))) as events:
        parts = 0
        async for event in events:
            if isinstance(event, Audio):
                for _ in range(500):
                    await asyncio.sleep(0)
                parts = len(lm.requests)
                break
    assert 1 < lm.most_running <= AHEAD
    assert parts == AHEAD


async def test_chunks_that_end_out_of_order_are_heard_in_order() -> None:
    class Hasty(ScriptedLM):
        async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
            patience = 0 if len(self.requests) % 2 else 400
            async with aclosing(super().generate(request)) as chunks:
                async for chunk in chunks:
                    for _ in range(patience):
                        await asyncio.sleep(0)
                    yield chunk

    lm = Hasty()
    speech = await speak(synthesizer(lm), replace(REQUEST, text=LONG[:1500]))
    texts = [part.text for part in speech.finished.parts]
    assert " ".join(texts) == LONG[:1500].strip()
    assert sorted(lm.finished) == sorted(texts)
    assert lm.finished != texts


@pytest.mark.parametrize("end", ["closed", "cancelled", "failed"])
@pytest.mark.parametrize("pieces", [1, 40])
async def test_ended_early_all_chunks_are_freed(end: str, pieces: int) -> None:
    lm = ScriptedLM()
    broken = ScriptedLM(failing_at(6)) if end == "failed" else lm
    heard = 0

    async def listen() -> None:
        nonlocal heard
        async with aclosing(synthesizer(broken).stream(replace(REQUEST, text=LONG))) as events:
            async for event in events:
                heard += isinstance(event, Audio)
                if heard >= pieces and end == "closed":
                    return
                if heard >= pieces and end == "cancelled":
                    asyncio.current_task().cancel()  # type: ignore[union-attr]

    async with asyncio.timeout(PATIENCE):
        (result,) = await asyncio.gather(asyncio.create_task(listen()), return_exceptions=True)
    expected = {"closed": type(None), "cancelled": asyncio.CancelledError, "failed": RuntimeError}[end]
    assert isinstance(result, expected)
    assert broken.running == 0
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def failing_at(count: int) -> Script:
    made: list[int] = []

    def script(request: TakeRequest) -> Codes:
        made.append(1)
        if len(made) == count:
            raise RuntimeError("the engine has died")
        return spoken(request)

    return script


async def test_a_long_text_is_spoken_by_the_real_models(models: Models) -> None:
    real = Synthesizer(models.lm, models.codec, models.transcriber, Still(), Policy(retries=0))
    speech = await speak(real, replace(REQUEST, text=LONG[:500]))
    assert len(speech.finished.parts) > 2
    again = await speak(real, replace(REQUEST, text=LONG[:500]))
    assert np.array_equal(speech.wav, again.wav)
