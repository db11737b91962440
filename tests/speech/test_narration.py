"""Plans spoken by a model that fails on purpose, in each of the known ways."""

import asyncio
import weakref
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from deployments.errors import GenerationFailed
from deployments.llasa.protocol import CodeChunk, Codes, Sampling, TakeRequest
from deployments.speech.events import Audio, Event, Finished, Progress
from deployments.speech.level import frame_levels, loudness
from deployments.speech.narration import AHEAD, derived_seed
from deployments.speech.policy import Policy
from deployments.speech.synthesis import Speech, SpeechRequest, Synthesizer
from deployments.whisper.protocol import Transcript
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Codec, Waveform
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.speech.scripted import REFERENCE, Script, ScriptedLM, ToneCodec, hush, spoken
from tests.speech.tones import Ear

PATIENCE = 60
TEXT = "The quick brown fox jumps over the lazy dog, and nobody minds."
LONG = " ".join(f"This is sentence number {n} of a text that goes on for a good while, as texts do." for n in range(62))
REQUEST = SpeechRequest(TEXT, REFERENCE, sampling=Sampling(seed=5), normalise=False)

FAILURES: dict[str, tuple[Script, str]] = {
    "instant end": (lambda request: spoken(request)[:1], "words are missing"),
    "dropped half": (lambda request: spoken(request)[: len(spoken(request)) // 2], "words are missing"),
    "repeated words": (
        lambda request: np.concatenate([spoken(request), spoken(request)[::-1], spoken(request)[::2]]),
        "repeated",
    ),
    "said twice": (lambda request: np.concatenate([spoken(request), spoken(request)[::-1]]), "repeated"),
    "runaway": (
        lambda request: np.random.default_rng(0).integers(1, 2000, 2000).astype(np.int32),
        "cut at the longest",
    ),
    "loop": (lambda request: np.concatenate([spoken(request)[:50], np.tile(spoken(request)[:20], 40)]), "without end"),
    "held sound": (lambda request: np.full(2000, 7, np.int32), "without end"),
    "silence": (lambda request: hush(len(spoken(request))), "silent"),
    "long silence": (
        lambda request: np.concatenate([spoken(request)[:100], hush(400)]),
        "silent for",
    ),
}


def synthesizer(lm: ScriptedLM, codec: Codec | None = None, **policy: object) -> Synthesizer:
    return Synthesizer(lm, codec or ToneCodec(), Deaf(), Still(), Policy(**policy))  # type: ignore[arg-type]


class Deaf:
    """A transcriber that must not be asked."""

    async def transcribe(self, *args: object, **kwargs: object) -> Transcript:
        raise AssertionError("nobody should listen")


def first_time(failing: Script) -> Script:
    """Fails on the request's own seed only."""
    return lambda request: failing(request) if request.sampling.seed == 5 else spoken(request)


async def speak(synthesizer: Synthesizer, request: SpeechRequest = REQUEST) -> Speech:
    async with asyncio.timeout(PATIENCE):
        return await synthesizer.speak(request)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_take_that_fails_is_made_again_with_another_seed(failure: str) -> None:
    lm = ScriptedLM(first_time(FAILURES[failure][0]))
    speech = await speak(synthesizer(lm))
    assert [request.sampling.seed for request in lm.requests] == [5, derived_seed(5, 0, 1)]
    (part,) = speech.finished.parts
    assert (part.attempts, part.seed, part.flaw) == (2, derived_seed(5, 0, 1), None)
    assert speech.finished.warnings == ()
    assert (speech.finished.finish, speech.finished.seed) == ("stop", 5)
    assert len(speech.wav) == len(spoken(lm.requests[1])) * HOP


@pytest.mark.parametrize("failure", FAILURES)
async def test_where_every_take_fails_the_best_is_given_and_told_of(failure: str) -> None:
    script, message = FAILURES[failure]
    lm = ScriptedLM(script)
    speech = await speak(synthesizer(lm, retries=2))
    assert len(lm.requests) == 3
    (warning,) = speech.finished.warnings
    assert message in warning
    assert TEXT[:50] in warning
    assert len(speech.wav)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_strict_request_is_refused_instead(failure: str) -> None:
    script, message = FAILURES[failure]
    with pytest.raises(GenerationFailed, match=message):
        await speak(synthesizer(ScriptedLM(script), strict=True))


@pytest.mark.parametrize("failure", ["loop", "held sound", "long silence"])
async def test_a_take_that_is_lost_is_stopped_early(failure: str) -> None:
    lm = ScriptedLM(FAILURES[failure][0])
    await speak(synthesizer(lm, retries=0))
    assert lm.codes < 450
    assert lm.running == 0
    assert lm.finished == []


async def test_the_least_bad_of_the_takes_is_kept() -> None:
    def script(request: TakeRequest) -> Codes:
        return spoken(request)[:60] if request.sampling.seed != 5 else hush(300)

    speech = await speak(synthesizer(ScriptedLM(script)))
    assert "words are missing" in str(speech.finished.parts[0].flaw)
    assert speech.finished.parts[0].seed != 5


async def test_a_model_that_breaks_off_before_it_spoke_is_an_error() -> None:
    class Lost(ScriptedLM):
        async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
            self.requests.append(request)
            return
            yield

    lm = Lost()
    with pytest.raises(GenerationFailed, match="spoke nothing"):
        await speak(synthesizer(lm))
    assert len(lm.requests) == 3


async def test_a_model_that_breaks_off_in_mid_take_is_asked_again_and_told_of() -> None:
    class Lost(ScriptedLM):
        async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
            async with aclosing(super().generate(request)) as chunks:
                async for chunk in chunks:
                    if chunk.finish is None:
                        yield chunk

    lm = Lost()
    speech = await speak(synthesizer(lm))
    assert len(lm.requests) == 3
    assert "broke off" in speech.finished.warnings[0]


async def test_at_temperature_0_nothing_is_tried_twice() -> None:
    for best_of in (1, 4):
        lm = ScriptedLM(FAILURES["loop"][0])
        real = Synthesizer(lm, ToneCodec(), Ear(), Still(), Policy(best_of=best_of))
        await speak(real, replace(REQUEST, sampling=Sampling(temperature=0)))
        assert len(lm.requests) == 1


async def test_live_a_take_that_fails_before_it_is_heard_is_healed_and_one_that_fails_later_is_told_of() -> None:
    silent, loop = FAILURES["silence"][0], FAILURES["loop"][0]
    healed = await stream(synthesizer(ScriptedLM(first_time(silent))), REQUEST)
    assert finished(healed).warnings == ()
    assert finished(healed).parts[0].attempts == 2
    told = await stream(synthesizer(ScriptedLM(first_time(loop))), REQUEST)
    assert "without end" in finished(told).warnings[0]
    assert finished(told).finish == "loop"


async def stream(synthesizer: Synthesizer, request: SpeechRequest) -> list[Event]:
    async with asyncio.timeout(PATIENCE):
        return [event async for event in synthesizer.stream(request)]


def finished(events: list[Event]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


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


async def test_strict_nothing_of_a_flawed_part_is_heard() -> None:
    with suppress(GenerationFailed):
        async for event in synthesizer(ScriptedLM(FAILURES["loop"][0]), strict=True).stream(REQUEST):
            assert isinstance(event, Progress)


async def test_first_audio_comes_as_soon_for_a_long_text_as_for_a_short_one() -> None:
    made = []
    for text in (TEXT, LONG):
        lm = ScriptedLM(every=5)
        async with asyncio.timeout(PATIENCE), aclosing(synthesizer(lm).stream(replace(REQUEST, text=text))) as events:
            async for event in events:
                if isinstance(event, Audio):
                    made.append((lm.codes, len(lm.requests)))
                    break
    assert made[0] == made[1] == (35, 1)


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
