import pytest

from deployments.errors import InvalidText
from deployments.text.script import Segment
from deployments.text.ssml import LONGEST, is_ssml, read_ssml


def segments(inner: str) -> tuple[Segment, ...]:
    return read_ssml(f"<speak>{inner}</speak>").segments


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ('A <break time="1.5s"/> b', [Segment("A", 1.5), Segment("b")]),
        ('A <break time="250ms"/>', [Segment("A", 0.25)]),
        ('<break strength="strong"/>b', [Segment("", 0.75), Segment("b")]),
        ('A<break time="60s"/>', [Segment("A", 10)]),
        ("<p>One.</p><p><s>Two.</s><s>Three.</s></p>", [Segment("One.\n\n\n\n\nTwo.\n\nThree.")]),
        ('<sub alias="World Wide Web">WWW</sub>', [Segment("World Wide Web", written="WWW")]),
        ('<say-as interpret-as="spell-out">abc</say-as>', [Segment("abc", say_as="characters")]),
        ('<prosody rate="slow">a</prosody> b', [Segment("a", rate=0.75), Segment("b")]),
        ('<prosody rate="+20%">a</prosody>', [Segment("a", rate=1.2)]),
        ('<prosody rate="1.5"><prosody rate="200%">a</prosody></prosody>', [Segment("a", rate=3.0)]),
        ('<voice name="ann">a</voice>b', [Segment("a", voice="ann"), Segment("b")]),
        ("a [pause:1s] &amp; b", [Segment("a", 1), Segment("& b")]),
        ("<metadata>x</metadata><!-- no -->a\n  b", [Segment("a b")]),
    ],
)
def test_elements_are_read(inner: str, found: list[Segment]) -> None:
    assert list(segments(inner)) == found


def test_namespaces_and_declarations_are_taken() -> None:
    text = '<?xml version="1.0"?>\n<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis">Hi</speak>'
    assert is_ssml(text)
    assert read_ssml(text).segments == (Segment("Hi"),)


def test_what_has_no_effect_is_spoken_with_a_warning() -> None:
    script = read_ssml(
        '<speak><phoneme ph="x">tomato</phoneme> <emphasis>so</emphasis> <prosody pitch="high" rate="odd">hi</prosody>'
        '<say-as interpret-as="foo">5</say-as></speak>'
    )
    assert script.text == "tomato so hi5"
    about = ["<phoneme>", "<emphasis>", "<prosody>", "The", "<say-as"]
    assert [warning.split(" ")[0] for warning in script.warnings] == about


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<speak>a<b></speak>", "line 1, column 14: mismatched tag"),
        ("<speak>\nAT&T</speak>", "line 2, column 5: not well-formed"),
        ('<!DOCTYPE s [<!ENTITY a "b">]><speak>&a;</speak>', "must not have a document type"),
        ('<!DOCTYPE s SYSTEM "file:///etc/passwd"><speak>a</speak>', "must not have a document type"),
        ("<html>a</html>", "root of SSML is <speak>"),
        ("<speak>" + "<p>" * 60 + "a" + "</p>" * 60 + "</speak>", "more than 50 levels"),
        ("<speak>" + "a" * LONGEST + "</speak>", "at most"),
        ("no document", "line 1, column 1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidText, match=message) as caught:
        read_ssml(text, "target_text")
    assert caught.value.param == "target_text"
