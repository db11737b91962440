import pytest

from deployments.text.options import NormalizationOptions
from deployments.text.pronunciation import Pronunciation, Pronunciations
from deployments.text.script import SayAs, Script, Segment


@pytest.mark.parametrize(
    ("tag", "pause"),
    [("[pause:2]", 2), ("[PAUSE: 500 ms]", 0.5), ("[pause:99s]", 10), ("[pause:0.5s][pause:0.25s]", 0.75)],
)
def test_a_pause_is_bounded_and_adds_up(tag: str, pause: float) -> None:
    assert Script.of([Segment(f"One {tag} two")]).segments == (Segment("One", pause), Segment("two"))


@pytest.mark.parametrize("text", ["[pause:]", "[pause:long]", "[voice:]", "[pause 1s]"])
def test_what_is_no_tag_is_spoken(text: str) -> None:
    assert Script.of([Segment(text)]).segments == (Segment(text),)


def test_what_is_spoken_and_what_is_written_are_whole_texts() -> None:
    script = Script.of([Segment("The "), Segment("World Wide Web", written="WWW"), Segment(", so [voice:ann] big.")])
    assert script.text == "The World Wide Web, so big."
    assert script.written == "The WWW, so big."
    assert script.voices == ("ann",)


@pytest.mark.parametrize(
    ("say_as", "text", "said"),
    [
        ("characters", "ab1", "a b one"),
        ("digits", "1984", "one nine eight four"),
        ("telephone", "555 1234", "five five five, one two three four"),
        ("ordinal", "12", "twelfth"),
        ("cardinal", "1984", "one thousand nine hundred and eighty-four"),
        ("date", "2024-05-06", "May sixth, twenty twenty-four"),
    ],
)
def test_a_text_is_said_as_it_is_asked(say_as: SayAs, text: str, said: str) -> None:
    assert Script((Segment(text, say_as=say_as),)).normalised().text == said


def test_normalisation_keeps_what_was_written_for_captions() -> None:
    names = Pronunciations([Pronunciation("Nguyen", "win")])
    script = Script.of([Segment("Nguyen has 5.")]).normalised("en", pronunciations=names)
    assert (script.text, script.written) == ("win has five.", "Nguyen has 5.")
    raw = Script.of([Segment("Nguyen has 5.")]).normalised("en", NormalizationOptions(normalize=False), names)
    assert raw.text == "win has 5."
