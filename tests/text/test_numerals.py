import pytest

from deployments.text.numerals import can_be_said, parse_number, readings, spell_amount, spell_number, spell_pairs


@pytest.mark.parametrize(
    ("language", "written", "digits"),
    [
        ("en", "1,000.50", ("1000", "50")),
        ("de", "1.000,50", ("1000", "50")),
        ("fr", "10 500", ("10500", "")),
        ("ja", "1,000", ("1000", "")),
    ],
)
def test_a_number_is_parsed_as_its_language_writes_it(language: str, written: str, digits: tuple[str, str]) -> None:
    assert parse_number(written, language) == digits


@pytest.mark.parametrize(
    ("language", "whole", "decimals", "words"),
    [
        ("en", "21", "", "twenty-one"),
        ("en", "3", "10", "three point one zero"),
        ("en", "007", "", "zero zero seven"),
        ("de", "1", "5", "eins Komma fünf"),
        ("en", "1234567890123456", "", None),
        ("de", "12", "", "zwölf"),
        ("hu", "3", "1415926", None),
        ("pl", "0", "0000001", None),
    ],
)
def test_a_number_is_said_or_there_are_no_words_for_it(
    language: str, whole: str, decimals: str, words: str | None
) -> None:
    assert spell_number(whole, decimals, language) == words


def test_years_ordinals_and_codes_are_said_as_such_where_a_language_does() -> None:
    assert spell_number("1999", "", "en", "year") == "nineteen ninety-nine"
    assert spell_number("21", "", "en", "ordinal") == "twenty-first"
    assert spell_number("21", "", "en", "digits") == "two one"
    assert spell_number("1" * 25, "", "en", "digits") is None
    assert spell_number("2024", "", "vi", "year") == spell_number("2024", "", "vi")


def test_there_are_languages_whose_numbers_cannot_be_said() -> None:
    assert can_be_said("en")
    assert not can_be_said("sw")
    assert not can_be_said("am")


def test_amounts_and_pairs_are_said_in_english() -> None:
    assert spell_amount(".5") == "point five"
    assert spell_amount("1,000.50") == "one thousand point five zero"
    assert [spell_pairs(digits) for digits in ("5", "105", "123", "1200", "2000", "2490", "007")] == [
        *("five", "one oh five", "one twenty-three", "twelve hundred", "two thousand", "twenty-four ninety"),
        "zero zero seven",
    ]


def test_readings_hold_each_way_of_saying_a_number() -> None:
    assert {"two thousand and five", "two zero zero five"} <= set(readings("2005"))
    assert "thirty-seconds" in readings("32")
