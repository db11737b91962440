import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.speech.normalise import normalise

READ = {
    "It cost $5.20.": "It cost five dollars twenty cents.",
    "£1 and €2 million": "one pound and two million euros",
    "In 1999 we sold 12,345.": "In nineteen ninety-nine we sold twelve thousand three hundred and forty-five.",
    "Pi is 3.14.": "Pi is three point one four.",
    "The 21st of May": "The twenty-first of May",
    "Agent 007": "Agent zero zero seven",
    "50% of A&B, plus 1": "fifty percent of A and B, plus one",
    "100%.": "one hundred percent.",
    "“Quoted” and ‘so’…": "\"Quoted\" and 'so'...",
    "Ｆｕｌｌ　ｗｉｄｔｈ": "Full width",
    "zero\u200bwidth, soft\u00adhyphen": "zerowidth, softhyphen",
    "tabs\tand   spaces": "tabs and spaces",
    "e\u0301t\u00e9": "\u00e9t\u00e9",
    "smile 😀 now": "smile now",
    "one\n\n two \n three": "one\n\ntwo\nthree",
}
KEPT = [
    "See https://example.org/a%20b?q=1&r=2 for it.",
    "Write to jo@example.org today.",
    "At 9:15 a.m.",
    "On 2024-05-06, version 1.2.3.",
    "Room 4b and the A380",
    "他有３个苹果，对吧？".replace("３", "3"),
    "你好，世界！“引号”".replace("“", '"').replace("”", '"'),
    "Call 12345678901234567890.",
]


@pytest.mark.parametrize("text", READ)
def test_is_read_as(text: str) -> None:
    assert normalise(text) == READ[text]


@pytest.mark.parametrize("text", KEPT)
def test_is_left_as_it_is(text: str) -> None:
    assert normalise(text) == text


def test_numbers_are_read_in_the_language_that_is_asked_for() -> None:
    assert normalise("Ich habe 3 & mehr", "de") == "Ich habe drei & mehr"
    assert normalise("Nina 3", "sw") == "Nina 3"


@given(st.text(max_size=200))
def test_any_text_is_taken_and_its_letters_stay(text: str) -> None:
    done = normalise(text)
    letters = [c for c in unicodedata.normalize("NFC", text) if c.isalpha() and ord(c) < 0x3000]
    rest = iter(done)
    assert all(letter in rest for letter in letters)


@given(st.text(st.sampled_from("ab 1,.$%\n&@é你。 "), max_size=60))
def test_what_was_normalised_once_stays(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
