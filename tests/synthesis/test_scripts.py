"""Scripts: pauses where they were asked for, captions of what was written."""

from dataclasses import replace

import numpy as np
import pytest

from deployments.errors import InvalidText
from deployments.llasa.protocol import Codes, TakeRequest
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.text.markup import read_markup
from deployments.text.pronunciation import Pronunciation, Pronunciations
from deployments.whisper.protocol import Segment, Transcript, Word
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from tests.ingress.conftest import Still
from tests.support.scripted import REQUEST, ScriptedLM, ToneCodec, hush, speak, spoken, synthesizer


def edged(request: TakeRequest) -> Codes:
    """A take with silence around it, as real ones have."""
    return np.concatenate([hush(20), spoken(request), hush(30)])


def silences(wav: Waveform) -> list[float]:
    """Returns the seconds of each stretch of silence."""
    sound = np.flatnonzero(np.abs(wav) > 0.01)
    gaps = np.diff(np.concatenate([[-1], sound, [len(wav)]])) - 1
    return [gap / SAMPLE_RATE for gap in gaps if gap > 0.05 * SAMPLE_RATE]


async def test_pauses_last_as_long_as_was_asked() -> None:
    text = read_markup("[pause:0.5s] It begins here. [pause:1.5s] It goes on. [pause:250ms] And ends. [pause:2s]")
    speech = await speak(synthesizer(ScriptedLM(edged)), replace(REQUEST, text=text))
    assert [part.text for part in speech.finished.parts] == ["It begins here.", "It goes on.", "And ends."]
    assert silences(speech.wav) == pytest.approx([0.5, 1.5, 0.25, 2.0], abs=0.03)


@pytest.mark.parametrize("text", ["...", "😀"])
async def test_a_text_with_nothing_to_speak_is_a_short_silence(text: str) -> None:
    speech = await speak(synthesizer(lm := ScriptedLM()), replace(REQUEST, text=text))
    assert not speech.wav.any()
    assert len(speech.wav) == 0.3 * SAMPLE_RATE
    assert "nothing to speak" in speech.finished.warnings[-1]
    assert lm.requests == []
    with pytest.raises(InvalidText, match="nothing to speak"):
        await speak(synthesizer(ScriptedLM(), strict=True), replace(REQUEST, text=text))


async def test_warnings_of_the_markup_are_the_speechs() -> None:
    text = read_markup('<speak><phoneme ph="x">Tomato</phoneme> soup</speak>')
    speech = await speak(synthesizer(ScriptedLM()), replace(REQUEST, text=text))
    assert [part.text for part in speech.finished.parts] == ["Tomato soup"]
    assert speech.finished.warnings == text.warnings


class Echo:
    """A transcriber that hears what it expects."""

    async def transcribe(self, wav: Waveform, **listening: object) -> Transcript:
        heard = "win paid five dollars"
        words = tuple(Word(word, at / 4, at / 4 + 0.25, 0.9) for at, word in enumerate(heard.split()))
        return Transcript(heard, "en", 1, len(wav) / SAMPLE_RATE, (Segment(heard, 0, 1, words),))


async def test_captions_show_what_was_written_where_a_pronunciation_is_heard() -> None:
    lm = ScriptedLM()
    request = replace(
        REQUEST,
        text=read_markup("Nguyen paid $5."),
        normalise=True,
        pronunciations=Pronunciations([Pronunciation("Nguyen", "win")]),
    )
    listening = Synthesizer(lm, ToneCodec(), Echo(), Still(), Policy(verify=True))  # type: ignore[arg-type]
    speech = await speak(listening, request)
    (part,) = speech.finished.parts
    assert lm.requests[0].text == "win paid five dollars."
    assert part.error == 0
    assert [(word.text, word.end - word.start) for word in part.words] == [
        ("Nguyen", 0.25),
        ("paid", 0.25),
        ("$5.", 0.5),
    ]
