import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.errors import InvalidText
from deployments.text.markup import InputFormat, read_markup
from deployments.text.normalisation import normalise

PLAIN = [
    "2 * 3 * 4",
    "a < b and c > d",
    "snake_case_name",
    "#1 is best",
    "5 > 3 & 4 < 5",
    "f(*args, **kwargs)",
    "__init__ and __main__",
    "C:\\path\\*.txt",
    "I <3 you",
    "x <foo> y",
    "- 5 degrees\nand - 3",
    "1. one\n2. two",
    "[1] and [2]",
    "an &unknown; entity",
    "email <a@b.com>",
]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("input_format", ["auto", "plain"])
def test_plain_text_is_not_harmed(text: str, input_format: InputFormat) -> None:
    assert read_markup(text, input_format).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Tom &amp; Jerry &#39;now&#39;", "Tom & Jerry 'now'"),
        ("<p>One</p><p>Two<br>three <b>bold</b></p>", "One\n\n\n\nTwo\nthree bold"),
        ("See [the docs](https://a.example/x), **bold**.", "See the docs, bold."),
        ("# A title\n\nText", "A title.\n\nText"),
        ("Plain", "Plain"),
    ],
)
def test_the_format_is_found_by_its_marks(text: str, said: str) -> None:
    assert read_markup(text).text == said


def test_what_is_declared_plain_keeps_its_marks() -> None:
    assert read_markup("**a** &amp; <b>", "plain").text == "**a** &amp; <b>"


@pytest.mark.parametrize("input_format", ["auto", "plain", "markdown"])
def test_pauses_and_voices_are_taken_in_every_format(input_format: InputFormat) -> None:
    script = read_markup("Wait [pause:1.5s] now. [voice:ann]Hello.[/voice] Bye [pause:250ms]", input_format)
    assert [(segment.text, segment.pause, segment.voice) for segment in script.segments] == [
        ("Wait", 1.5, None),
        ("now.", 0, None),
        ("Hello.", 0, "ann"),
        ("Bye", 0.25, None),
    ]


def test_a_break_in_a_text_that_is_no_document_is_a_pause() -> None:
    script = read_markup('See [it](x), **so**, <speak>Hi <break time="500ms"/> you</speak>')
    assert [(segment.text, segment.pause) for segment in script.segments] == [("See it, so, Hi", 0.5), ("you", 0)]


ROWS = {
    # what the field's report found spoken as characters
    "Tom &amp; Jerry &#39;now&#39;": "Tom and Jerry 'now'",
    'See [the docs](https://a.example/x), **bold**, <speak>Hi <break time="500ms"/></speak>': "See the docs, bold, Hi",
    "```py\nx = 1\n```\n\n## Next\n\n- one\n- two": "Next.\n\none.\ntwo.",
    '<p align="center">\n<picture>\n<source srcset="x.svg">\n<img alt="A logo">\n</picture>\n</p>': "A logo",
    "| a | b |\n|---|---|\n| 1 | 2 |": "a: one, b: two.",
}


@pytest.mark.parametrize("text", ROWS)
def test_words_only_are_left_of_markup(text: str) -> None:
    assert normalise(read_markup(text).text) == ROWS[text]


formats = st.sampled_from(["auto", "plain", "markdown"])


@settings(deadline=None)
@given(st.text(st.sampled_from("ab <>/=\"'&;#*_`[]()|-\n1pause:svoice!"), max_size=80), formats)
def test_any_text_is_read(text: str, input_format: InputFormat) -> None:
    script = read_markup(text, input_format)
    assert all(segment.text == segment.text.strip() for segment in script.segments)
    assert all(0 <= segment.pause <= 10 for segment in script.segments)
    assert all(segment.text for segment in script.segments[1:])


@given(st.text(st.sampled_from("ab<>/=\"'& speakvoice"), max_size=60).map("<speak>{}</speak>".format))
def test_any_document_is_read_or_refused(text: str) -> None:
    try:
        read_markup(text)
    except InvalidText as error:
        assert "SSML" in error.message  # noqa: PT017
