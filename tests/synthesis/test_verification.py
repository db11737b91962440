"""Takes that are as long as they should be and say something else: only who listens can tell."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deployments.errors import GenerationFailed
from deployments.llasa.protocol import Codes, Sampling, TakeRequest
from deployments.synthesis.events import Audio, Finished, Progress
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Speech, SpeechRequest, Synthesizer
from deployments.voices.reference import Reference
from deployments.whisper.protocol import Transcript
from deployments.xcodec2.protocol import SAMPLE_RATE
from tests.ingress.conftest import Still
from tests.support.scripted import Script, ScriptedLM
from tests.support.tones import WORDS, Ear, TonalCodec, sung

PATIENCE = 60
TEXT = "Amber brook cedar dune ember frost grove haze."
LONG = " ".join(f"{' '.join(WORDS[n % 17 : n % 17 + 8]).capitalize()}." for n in range(12))
REFERENCE = Reference(sung(["amber", "brook", "cedar", "dune"]), "Amber brook cedar dune, four words.")
REQUEST = SpeechRequest(TEXT, REFERENCE, sampling=Sampling(seed=5), policy=Policy(verify=True, cuts=0))


def words_of(text: str) -> list[str]:
    return text.lower().replace(".", "").split()


def right(request: TakeRequest) -> Codes:
    return sung(words_of(request.text))


def wrong(request: TakeRequest) -> Codes:
    """As many words, half of them others."""
    return sung([WORDS[-1 - n] if n % 2 else word for n, word in enumerate(words_of(request.text))])


def first_time(failing: Script) -> Script:
    return lambda request: failing(request) if request.sampling.seed == 5 else right(request)


def synthesizer(lm: ScriptedLM, ear: Ear | None = None, residency: Still | None = None) -> Synthesizer:
    return Synthesizer(lm, TonalCodec(), ear or Ear(), residency or Still())


async def speak(synthesizer: Synthesizer, request: SpeechRequest = REQUEST) -> Speech:
    async with asyncio.timeout(PATIENCE):
        return await synthesizer.speak(request)


async def test_a_take_that_says_something_else_is_made_again_and_the_score_is_told() -> None:
    residency = Still()
    speech = await speak(synthesizer(ScriptedLM(first_time(wrong)), residency=residency))
    (part,) = speech.finished.parts
    assert (part.attempts, part.error, part.flaw) == (2, 0, None)
    assert part.heard == " ".join(words_of(TEXT))
    assert part.seed != 5
    assert "Whisper" in residency.orders[0]


async def test_without_verification_nobody_listens() -> None:
    ear = Ear()
    speech = await speak(synthesizer(ScriptedLM(wrong), ear), replace(REQUEST, policy=Policy()))
    assert speech.finished.parts[0].heard is None
    assert ear.calls == 0


async def test_where_every_take_says_something_else_it_is_told_or_refused() -> None:
    speech = await speak(synthesizer(ScriptedLM(wrong)), REQUEST)
    assert "50 % of its words are wrong" in speech.finished.warnings[0]
    strict = replace(REQUEST, policy=Policy(verify=True, strict=True, cuts=0))
    with pytest.raises(GenerationFailed, match="50 % of its words are wrong"):
        await speak(synthesizer(ScriptedLM(wrong)), strict)


async def test_what_is_heard_of_a_flawed_part_is_told_too() -> None:
    def stuck(request: TakeRequest) -> Codes:
        return np.concatenate([right(request), np.full(300, 7, np.int32)])

    speech = await speak(synthesizer(ScriptedLM(stuck)))
    (part,) = speech.finished.parts
    assert part.flaw
    assert part.heard
    assert part.words


async def test_of_several_takes_made_at_once_the_one_with_the_fewest_errors_is_kept() -> None:
    made: list[int] = []

    def worse_and_worse_but_the_third(request: TakeRequest) -> Codes:
        made.append(request.sampling.seed)
        words = words_of(request.text)
        errors = 0 if len(made) == 3 else 1
        return sung([*words[: len(words) - errors], *["zephyr"] * errors])

    lm = ScriptedLM(worse_and_worse_but_the_third)
    speech = await speak(synthesizer(lm), replace(REQUEST, policy=Policy(best_of=4)))
    (part,) = speech.finished.parts
    assert (part.attempts, part.error, part.seed) == (4, 0, made[2])
    assert lm.most_running == 4
    assert len(set(made)) == 4


async def test_among_takes_that_sound_right_the_one_of_the_expected_duration_is_kept() -> None:
    # Whisper writes a repeated word down once: only the duration betrays it.
    class Forgiving(Ear):
        async def transcribe(self, wav: np.ndarray, **options: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
            return replace(await super().transcribe(wav), text=TEXT)

    def stammering(request: TakeRequest) -> Codes:
        words = words_of(request.text)
        return sung(words[:4] + words if request.sampling.seed == 5 else words)

    policy = Policy(best_of=2)
    speech = await speak(synthesizer(ScriptedLM(stammering), Forgiving()), replace(REQUEST, policy=policy))
    assert speech.finished.parts[0].seed != 5


async def test_once_one_is_heard_without_error_nobody_listens_to_those_of_a_worse_duration() -> None:
    ear = Ear()
    speech = await speak(synthesizer(ScriptedLM(right), ear), replace(REQUEST, policy=Policy(best_of=4)))
    assert (ear.calls, speech.finished.parts[0].error) == (1, 0)


async def test_best_of_lowers_the_error_of_a_model_that_often_errs() -> None:
    def often(request: TakeRequest) -> Codes:
        random = np.random.default_rng(request.sampling.seed)
        return sung([WORDS[random.integers(25)] if random.random() < 0.2 else word for word in words_of(request.text)])

    errors = {}
    for best_of in (1, 4):
        policy = Policy(verify=True, best_of=best_of, retries=0)
        total = 0.0
        for seed in range(8):
            request = replace(REQUEST, policy=policy, sampling=Sampling(seed=seed))
            speech = await speak(synthesizer(ScriptedLM(often)), request)
            total += speech.finished.parts[0].error or 0
        errors[best_of] = total / 8
    assert errors[4] < errors[1] / 2


async def test_numbers_that_whisper_writes_in_digits_are_no_errors_in_any_language() -> None:
    class Digits(Ear):
        async def transcribe(self, wav: np.ndarray, **options: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
            return replace(await super().transcribe(wav), text="Es kostet 25 Euro.")

    def anything(request: TakeRequest) -> Codes:
        return sung(WORDS[:4])

    request = replace(REQUEST, text="Es kostet 25 Euro.", language="de")
    speech = await speak(synthesizer(ScriptedLM(anything), Digits()), request)
    assert speech.finished.parts[0].text == "Es kostet fünfundzwanzig Euro."
    assert speech.finished.parts[0].error == 0


async def test_words_have_their_times_in_the_whole_speech() -> None:
    speech = await speak(synthesizer(ScriptedLM(right)), replace(REQUEST, text=LONG))
    parts = speech.finished.parts
    assert len(parts) > 2
    words = [word for part in parts for word in part.words]
    assert " ".join(word.text for word in words) == LONG
    for word in words[::7]:
        stretch = speech.wav[round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)]
        assert (
            await Ear().transcribe(np.concatenate([np.zeros(3200, np.float32), stretch]))
        ).text == word.text.lower().strip(".")


async def test_streamed_nothing_is_heard_before_it_is_verified() -> None:
    ear = Ear()
    async with asyncio.timeout(PATIENCE):
        calls = []
        async for event in synthesizer(ScriptedLM(first_time(wrong)), ear).stream(replace(REQUEST, text=LONG)):
            if isinstance(event, Audio):
                calls.append(ear.calls)
            if isinstance(event, Finished):
                assert event.warnings == ()
    assert calls[0] >= 2
    assert calls[-1] > len([call for call in calls if call == calls[0]])


async def test_cancelled_all_takes_of_all_chunks_are_freed() -> None:
    lm = ScriptedLM(right)
    request = replace(REQUEST, text=LONG, policy=Policy(best_of=3))
    async with asyncio.timeout(PATIENCE):
        task = asyncio.create_task(synthesizer(lm).speak(request))
        while lm.running < 3:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert lm.running == 0
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_progress_counts_the_parts() -> None:
    async with asyncio.timeout(PATIENCE):
        events = [event async for event in synthesizer(ScriptedLM(right)).stream(replace(REQUEST, text=LONG))]
    spoken = [event for event in events if isinstance(event, Progress) and event.stage == "speaking"]
    assert [event.part for event in spoken] == list(range(1, spoken[0].parts + 1))


class Slow(Ear):
    """Gives others their turn before it answers."""

    async def transcribe(self, *args: Any, **options: Any) -> Transcript:
        for _ in range(10):
            await asyncio.sleep(0)
        return await super().transcribe(*args, **options)


async def test_it_is_told_where_whisper_is_waited_for() -> None:
    async with asyncio.timeout(PATIENCE):
        told = [event async for event in synthesizer(ScriptedLM(right), Slow()).stream(REQUEST)]
    stages = [(event.stage, event.part) for event in told if isinstance(event, Progress)]
    assert stages[-2:] == [("speaking", 1), ("checking", 1)]
    assert [type(event) for event in told].index(Audio) > told.index(Progress("checking", 1, 1))


async def test_the_error_of_a_speech_counts_the_words_of_its_parts() -> None:
    def wrong_where_short(request: TakeRequest) -> Codes:
        return wrong(request) if len(words_of(request.text)) == 2 else right(request)

    request = replace(REQUEST, text=f"Amber brook.\n\n{TEXT}", policy=Policy(verify=True, retries=0))
    finished = (await speak(synthesizer(ScriptedLM(wrong_where_short)), request)).finished
    assert [part.error for part in finished.parts] == [0.5, 0]
    assert finished.error == pytest.approx(1 / 10)
    assert replace(finished, parts=()).error is None
