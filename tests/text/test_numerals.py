import pytest

from deployments.text.numerals import can_be_said, parse_number, spell_number


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
