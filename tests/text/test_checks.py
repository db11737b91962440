import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InvalidText
from deployments.text.checks import check_ref_text, check_text


@pytest.mark.parametrize("text", ["Hello.", "  Hello.\n", "你好。", "42", "Größe", "Прив́ет", "😀 yes", "page\fpage"])
def test_text_that_can_be_spoken_passes(text: str) -> None:
    assert check_text(text, 100, "target_text") == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The text is empty."),
        (" \n\t ", "The text is empty."),
        ("x" * 101, "The text has 101 characters: at most 100 are taken."),
        ("be\x07ll", "control character U\\+0007"),
        ("nul\x00", "control character U\\+0000"),
    ],
)
def test_text_that_cannot_be_spoken_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(InvalidText, match=message) as caught:
        check_text(text, 100, "target_text")
    assert caught.value.param == "target_text"


@pytest.mark.parametrize("text", ["😀🎉", "?!…"])
def test_a_clip_cannot_say_a_text_without_words(text: str) -> None:
    assert check_text(text, 100, "target_text") == text  # which is spoken as a silence
    with pytest.raises(InvalidText, match="no letters or digits"):
        check_ref_text(text, 100)


@given(st.text(max_size=300))
def test_any_text_passes_or_is_refused(text: str) -> None:
    try:
        assert check_text(text, 300, "target_text") == text.strip()
    except InvalidText as error:
        assert error.message.startswith("The text ")  # noqa: PT017
