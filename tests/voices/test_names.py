import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InvalidInput
from deployments.voices.names import check_consent, check_name, voice_id


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "/etc/passwd", "a/b", "a\\b", "..", "."),
        *("\0", "a\x07b", "\ud800", "\u202etxt"),
        *("", "  ", "x" * 101, "x" * 300),
        *("\u200d", "\u200c \u200d", "\u0301", "\u3164", "\u2800", "\ufe0f"),
        *(voice_id("a"), "builtin_alloy"),
    ],
)
def test_names_that_lead_elsewhere_or_cannot_be_seen_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_name(name)
    assert refused.value.param == "name"


@given(st.text(max_size=20))
def test_a_name_that_is_taken_is_found_as_it_was_given_and_as_it_is_told(name: str) -> None:
    try:
        told = check_name(name)
    except InvalidInput:
        return
    assert check_name(told) == told
    assert voice_id(name) == voice_id(told)


def test_consent_is_kept_without_white_space_around_it() -> None:
    assert check_consent(" my own\n") == "my own"
    assert check_consent("x" * 1000 + "\n") == "x" * 1000


@pytest.mark.parametrize("consent", ["", " \n", "\u200b", "\u200d", "x" * 1001])
def test_consent_that_says_nothing_or_too_much_is_refused(consent: str) -> None:
    with pytest.raises(InvalidInput, match="Say whose voice it is") as refused:
        check_consent(consent)
    assert refused.value.param == "consent"
