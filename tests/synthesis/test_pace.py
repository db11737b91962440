import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.synthesis.guards import check_duration
from deployments.synthesis.pace import Pace


@given(st.text(min_size=1, max_size=300), st.floats(0.7, 1.5))
def test_bounds_leave_room_between_them(text: str, factor: float) -> None:
    fewest, most = Pace(factor).bounds(text)
    assert 1 <= fewest < most


def test_chinese_gets_more_codes_a_character_than_english() -> None:
    assert Pace().codes("你好你好") > 3 * Pace().codes("abcd")
    # "Good morning, how are you today?" takes about two seconds.
    fewest, most = Pace().bounds("Good morning, how are you today?")
    assert fewest < 100 < most < 500


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12345678", 3.3), ("共1234567元", 3.3), ("+1 555 123 4567", 3.5), ("www.example.com/a", 3.6), ("12:30", 1.2)],
)
def test_digits_and_addresses_last_as_long_as_they_are_read_out(text: str, seconds: float) -> None:
    assert check_duration(round(50 * seconds), Pace().codes(text)) is None


def test_a_voice_that_took_longer_for_its_reference_is_given_longer() -> None:
    text = "fifteen letters" * 4
    assert Pace.of(text, 240).codes("Hello.") == pytest.approx(1.2 * Pace().codes("Hello."))
    assert Pace.of("", 240) == Pace()


@pytest.mark.parametrize(("codes", "factor"), [(5, 0.7), (100_000, 1.5)])
def test_a_pace_that_nobody_has_is_not_believed(codes: int, factor: float) -> None:
    assert Pace.of("What the clip says.", codes).factor == factor


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("*" * 60 + "\nThe Title\n" + "*" * 60, "The Title"),
        ("Well ........... yes", "Well . yes"),
        ("so     far", "so far"),
        ("Great 😀😀😀", "Great "),
        ("**bold**", "bold"),
    ],
)
def test_what_is_silent_takes_no_time(written: str, said: str) -> None:
    assert Pace().codes(written) == pytest.approx(Pace().codes(said), abs=10)
