"""Chunks that no take gets right are cut finer."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from deployments.llasa.protocol import Codes, TakeRequest
from deployments.synthesis.plan import Chunk, cut_finer
from tests.support.scripted import REQUEST, ScriptedLM, finished, hush, speak, spoken, stream, synthesizer

ALIKE = "The cat sat on the mat. The dog sat on the mat. The bird sat on the mat."
CLAUSES = "When the sun went down over the hills, we all went home, because it was cold."


def stuck_on(fails: Callable[[str], bool]) -> Callable[[TakeRequest], Codes]:
    """A script that repeats one sound for texts that fail, whatever the seed."""

    def script(request: TakeRequest) -> Codes:
        return np.full(900, 7, np.int32) if fails(request.text) else spoken(request)

    return script


@pytest.mark.parametrize(
    ("text", "fails", "pieces"),
    [
        (ALIKE, lambda text: text.count(".") > 1, ["The cat sat on the mat.", "The dog sat on the mat."]),
        (CLAUSES, lambda text: text.count(",") > 1, ["we all went home,", "because it was cold."]),
        ("one two three four five six", lambda text: len(text.split()) > 3, ["one two three", "four five six"]),
    ],
)
async def test_a_chunk_that_always_fails_is_spoken_in_pieces(
    text: str, fails: Callable[[str], bool], pieces: list[str]
) -> None:
    lm = ScriptedLM(stuck_on(fails))
    speech = await speak(synthesizer(lm, retries=1, cuts=3), replace(REQUEST, text=text))
    assert speech.finished.finish == "stop"
    assert not speech.finished.warnings
    assert "".join(part.text for part in speech.finished.parts).replace(" ", "") == text.replace(" ", "")
    texts = [request.text for request in lm.requests]
    for piece in pieces:
        assert piece in texts
    assert len(set(zip(texts, (request.sampling.seed for request in lm.requests), strict=True))) == len(texts)
    assert lm.running == 0


async def test_pieces_are_given_up_as_soon_as_one_of_them_fails() -> None:
    lm = ScriptedLM(stuck_on(lambda text: "cat" in text))
    speech = await speak(synthesizer(lm, retries=1, cuts=3), replace(REQUEST, text=ALIKE))
    (warning,) = speech.finished.warnings
    assert "none of" in warning
    assert not any("bird" in request.text and "cat" not in request.text for request in lm.requests)


async def test_without_retries_nothing_is_cut() -> None:
    lm = ScriptedLM(stuck_on(lambda text: text.count(".") > 1))
    await speak(synthesizer(lm, retries=0, cuts=3), replace(REQUEST, text=ALIKE))
    assert {request.text for request in lm.requests} == {ALIKE}


async def test_a_stream_heals_a_first_chunk_that_was_not_heard_yet() -> None:
    lm = ScriptedLM(lambda request: hush(400) if request.text.count(".") > 1 else spoken(request))
    events = await stream(synthesizer(lm, retries=1, cuts=3), replace(REQUEST, text=ALIKE))
    assert not finished(events).warnings


def test_a_single_word_is_not_cut() -> None:
    chunk = Chunk("Incomprehensibilities.", 0.3)
    assert cut_finer(chunk) == (chunk,)
