"""Takes that fail in each of the known ways: healed, or told of."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

import numpy as np
import pytest

from deployments.errors import GenerationFailed
from deployments.llasa.protocol import CodeChunk, Codes, Sampling, TakeRequest
from deployments.synthesis.events import Progress
from deployments.synthesis.policy import Policy
from deployments.synthesis.recording import derived_seed
from deployments.synthesis.synthesizer import Synthesizer
from deployments.xcodec2.protocol import HOP
from tests.ingress.conftest import Still
from tests.support.scripted import (
    REQUEST,
    TEXT,
    Script,
    ScriptedLM,
    ToneCodec,
    finished,
    hush,
    speak,
    spoken,
    stream,
    synthesizer,
)
from tests.support.tones import Ear

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


def first_time(failing: Script) -> Script:
    """Fails on the request's own seed only."""
    return lambda request: failing(request) if request.sampling.seed == 5 else spoken(request)


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


async def test_strict_nothing_of_a_flawed_part_is_heard() -> None:
    with suppress(GenerationFailed):
        async for event in synthesizer(ScriptedLM(FAILURES["loop"][0]), strict=True).stream(REQUEST):
            assert isinstance(event, Progress)
