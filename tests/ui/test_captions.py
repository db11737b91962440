"""Captions of a speech."""

import re
from html import unescape

import numpy as np
import pytest

from deployments.synthesis.events import Part
from deployments.whisper.protocol import Word
from ui.captions import WordTimes, captions


def part(text: str, start: float, seconds: float, *words: Word) -> Part:
    return Part(text, start, seconds, "stop", seed=1, attempts=1, flaw=None, words=words)


def spans(html: str) -> list[tuple[str, float, float, str]]:
    found = re.findall(r'<span class="(\w+)" data-start="([\d.]+)" data-end="([\d.]+)">(.*?)</span>', html)
    return [(kind, float(start), float(end), unescape(text)) for kind, start, end, text in found]


def shown(html: str) -> str:
    return unescape(re.sub("<.*?>", "", html))


def test_without_the_times_of_words_a_part_lights_up_as_a_whole() -> None:
    html = captions([part("One & two.", 0, 1.5), part("Three.", 1.5, 1)], "take", 1, "Captions")
    assert spans(html) == [("part", 0, 1.5, "One & two."), ("part", 1.5, 2.5, "Three.")]
    assert shown(html) == "One & two. Three."


def test_a_word_lights_up_until_the_next_one_begins() -> None:
    words = Word("One", 0.1, 0.4, 1), Word("two.", 0.6, 0.9, 1)
    assert spans(captions([part("One two.", 0, 1.2, *words)], "take", 1, "Captions")) == [
        ("word", 0.1, 0.6, "One"),
        ("word", 0.6, 1.2, "two."),
    ]


def test_the_times_are_those_at_the_speed_of_the_recording() -> None:
    assert spans(captions([part("Two.", 1, 2)], "take", 2, "Captions")) == [("part", 0.5, 1.5, "Two.")]


@pytest.mark.parametrize(
    ("words", "text"), [(("Good", "morning."), "Good morning."), (("早上", "好", "OK"), "早上好OK")]
)
def test_words_are_spaced_as_their_language_is(words: tuple[str, ...], text: str) -> None:
    timed = [Word(word, at, at + 1, 1) for at, word in enumerate(words)]
    assert shown(captions([part(text, 0, 3, *timed)], "take", 1, "Captions")) == text


def test_what_a_visitor_wrote_is_no_markup() -> None:
    html = captions([part("<img src=x onerror=alert(1)>", 0, 1)], "take", 1, "Captions")
    assert "<img" not in html


def test_words_that_whisper_did_not_hear_are_laid_over_the_sound() -> None:
    tone, silence = np.full(16_000, 0.3, np.float32), np.zeros(8_000, np.float32)
    times = WordTimes()
    for wav in (tone, silence, tone, silence, tone):
        times.write(wav)
    first = times.timed(part("One, two.", 0, 2.5))
    second = times.timed(part("Three.", 3, 1))
    assert [(word.text, word.start) for word in first.words] == [("One,", 0), ("two.", 1.5)]
    assert [(word.text, word.start) for word in second.words] == [("Three.", 3)]


def test_words_that_whisper_heard_keep_their_times() -> None:
    heard = part("One.", 0, 1, Word("One.", 0.2, 0.9, 1))
    times = WordTimes()
    times.write(np.ones(16_000, np.float32))
    assert times.timed(heard) == heard
