"""Writes numbers as words, in the language of the surrounding text."""

from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, Literal

_POINT: Final = frozenset({"ar", "bn", "cy", "en", "fa", "he", "ja", "kn", "ko", "te", "th"})
"""Languages that write 1,000.5; all others known to num2words write 1.000,5 or 1 000,5."""
_ENDLESS: Final = "am"
"""num2words never returns for its millions."""
_LONGEST: Final = 15
"""Maximum digits of a number; a longer one is a code."""

_LONGEST_CODE: Final = 24
"""Maximum digits; a longer row of them is not read out."""

Kind = Literal["cardinal", "ordinal", "year", "digits"]


def can_be_said(language: str) -> bool:
    """Returns whether there are words for the numbers of a language (ISO 639-1)."""
    from num2words import CONVERTER_CLASSES

    return language in CONVERTER_CLASSES and language != _ENDLESS


@cache
def pattern(language: str) -> str:
    """Returns a regular expression for numbers in a language, without capturing groups."""
    thousands, mark = (",", r"\.") if language in _POINT else (r"[. ]", ",")
    return rf"[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+(?!\d)(?:{mark}\d+)?|\d+(?:{mark}\d+)?"


def parse_number(written: str, language: str) -> tuple[str, str]:
    """Returns the digits of a number before its decimal mark, and those after it."""
    whole, _, decimals = written.partition("." if language in _POINT else ",")
    return "".join(filter(str.isdigit, whole)), decimals


AMOUNT: Final = rf"(?:{pattern('en')}|\.\d+)"
"""Regular expression for 1,234.5 and .5, without capturing groups."""


def spell_amount(written: str) -> str | None:
    """Spells what AMOUNT matches, in English."""
    if written.startswith("."):
        decimals = spell_number(written[1:], "", "en", "digits")
        return decimals and f"point {decimals}"
    return spell_number(*parse_number(written, "en"), "en")


def spell_pairs(digits: str) -> str | None:
    """Spells one to four digits as those of years, houses and rooms: twelve oh five, one twenty-three."""
    if len(digits) > 4 or digits[0] == "0":
        return spell_number(digits, "", "en", "digits")
    if len(digits) == 4 and digits[1:3] == "00":
        return spell_number(digits, "", "en")
    first, last = digits[:-2], digits[-2:]
    if not first:
        return spell_number(digits, "", "en")
    rest = "hundred" if last == "00" else _words(int(last), "en")
    return " ".join(filter(None, [_words(int(first), "en"), "oh" if 0 < int(last) < 10 else "", rest]))


@lru_cache(maxsize=4096)
def readings(written: str) -> tuple[str, ...]:
    """Returns the ways of reading what AMOUNT matches in English: as a quantity, a rank, a year, or a row of digits."""
    whole, decimals = parse_number(written, "en")
    if decimals:
        ways = [spell_number(whole, decimals, "en"), spell_number(str(int(whole)), decimals, "en")]
    else:
        number = str(int(whole))
        ways = [spell_number(number, "", "en"), spell_number(whole, "", "en", "digits")]
        ranks = [spell_number(number, "", "en", "ordinal")]
        ways += [*ranks, *(rank and f"{rank}s" for rank in ranks), spell_pairs(whole)]
        ways += {"2": ["half", "halves"], "4": ["quarter", "quarters"]}.get(number, [])
    return tuple(filter(None, ways))


def spell_number(whole: str, decimals: str, language: str, kind: Kind = "cardinal") -> str | None:
    """Spells a number of `parse_number`; None if there are no words for it. 007 is spelled digit by digit."""
    if kind == "digits":
        return _digits(whole + decimals, language) if len(whole + decimals) <= _LONGEST_CODE else None
    if len(whole) + len(decimals) > _LONGEST:
        return None
    if decimals:
        return _with_decimals(whole, decimals, language)
    if len(whole) > 1 and whole[0] == "0":
        return _digits(whole, language)
    return _words(int(whole), language, kind) or _words(int(whole), language)


def _with_decimals(whole: str, decimals: str, language: str) -> str | None:
    if language != "en":
        return _words(Decimal(f"{whole}.{decimals}"), language)
    after = _digits(decimals, language)  # as written: 3.10 is another version than 3.1
    return f"{_words(int(whole), language)} point {after}"


def _digits(digits: str, language: str) -> str | None:
    words = [_words(int(digit), language) for digit in digits]
    return None if None in words else " ".join(map(str, words))


def _words(number: int | Decimal, language: str, kind: Kind = "cardinal") -> str | None:
    from num2words import num2words

    try:
        found: Any = num2words(number, to=kind, lang=language)
    except Exception:  # noqa: BLE001 - each of its languages fails in ways of its own
        return None
    return str(found).replace(",", "")
