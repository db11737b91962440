"""Reads dates, years and decades in English."""

import re
from typing import Final

from deployments.text.numerals import spell_number, spell_pairs

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH: Final = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY: Final = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>1\d{3}|20\d\d)"
_RIGHT: Final = r"(?![\w%°$€£]|[.,:/'–-]\d)"
_LEFT: Final = r"(?<![\w.,:/$€£¥'-])"
MONTH_DAY: Final = re.compile(rf"{_LEFT}{_MONTH}[ -]{_DAY}(?:,? {_YEAR})?{_RIGHT}", re.IGNORECASE)
DAY_MONTH: Final = re.compile(rf"{_LEFT}(?P<the>the )?{_DAY}(?: of)?[ -]{_MONTH}(?:,?[ -]{_YEAR})?{_RIGHT}", re.I)
MONTH_YEAR: Final = re.compile(rf"{_LEFT}{_MONTH}(?:,? |-){_YEAR}{_RIGHT}", re.IGNORECASE)
DASHED: Final = re.compile(
    rf"{_LEFT}(?:(?P<year>[12]\d{{3}})(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)"
    rf"|(?P<first>\d\d?)(?:(?P<mark2>[-/.])(?P<second>\d\d?)(?P=mark2)(?P<year4>[12]\d{{3}})"
    rf"|/(?P<second2>\d\d)/(?P<year2>\d\d))){_RIGHT}"
)
_DECADE: Final = r"(?:(?:1\d|20)|')?\d0'?s"
DECADES: Final = re.compile(rf"(?<![\w.,:/$€£¥])({_DECADE})(?:[-–]({_DECADE}))?\b")
YEARS: Final = re.compile(
    rf"{_LEFT}(?P<first>1[1-9]\d\d|20\d\d)(?P<mark>[-–/])(?P<last>1[1-9]\d\d|20\d\d|\d\d){_RIGHT}"
)
YEAR: Final = re.compile(
    rf"(?P<before>\b(?:in|since|by|until|till|from|before|after|of|year|circa|ca?\.|during|between|and|to) )?"
    rf"{_LEFT}{_YEAR}{_RIGHT}(?=(?P<after> [a-z]+)?)",
    re.IGNORECASE,
)
_DATED: Final = re.compile(r"in|since|by|until|till|year|circa|ca?\.|during", re.IGNORECASE)
_FIRST: Final = 1100
"""Earliest number that is a year without a preposition before it."""
_SINGULAR: Final = re.compile(r"(?:.*(?:ss|us|is)|was|has|as|does|goes|sees|says|plus|versus)")
_COUNTED: Final = re.compile(r"people|men|women|children|percent|dollars|feet|mice|sheep|fish|million|billion|of")
_DECADES: Final = (
    *("hundreds", "tens", "twenties", "thirties", "forties"),
    *("fifties", "sixties", "seventies", "eighties", "nineties"),
)


def spell_year(year: str) -> str:
    """Spells four digits, as nineteen eighty-four, two thousand and four."""
    return spell_number(year, "", "en", "year") or year


def read_month_day(match: re.Match[str]) -> str | None:
    """Reads a match of MONTH_DAY: May fifth, twenty twenty-four. "may 5 people" is no date."""
    if _is_verb(match) and not match["year"]:
        return None
    return f"{_month(match)} {_rank(match['day'])}" + (f", {spell_year(match['year'])}" if match["year"] else "")


def read_day_month(match: re.Match[str]) -> str | None:
    """Reads a match of DAY_MONTH: the fifth of May twenty twenty-four."""
    if _is_verb(match) and not match["year"]:
        return None
    the = match["the"] or "the "
    return f"{the}{_rank(match['day'])} of {_month(match)}" + (f" {spell_year(match['year'])}" if match["year"] else "")


def read_month_year(match: re.Match[str]) -> str | None:
    """Reads a match of MONTH_YEAR."""
    return f"{_month(match)} {spell_year(match['year'])}"


def read_dashed(match: re.Match[str]) -> str | None:
    """Reads a match of DASHED; the month is first, if both may be a month. Impossible dates are kept."""
    year = match["year"] or match["year4"] or match["year2"]
    first, second = match["month"] or match["first"], match["day"] or match["second"] or match["second2"]
    is_day_first = int(first) > 12
    month, day = (int(second), first) if is_day_first else (int(first), second)
    if not (1 <= month <= 12 and 1 <= int(day) <= 31) or (is_day_first and match["year"]):
        return match.group()
    spoken = spell_year(year) if len(year) == 4 else spell_pairs(year) or year
    name, rank = MONTHS[month - 1], _rank(day)
    return f"the {rank} of {name} {spoken}" if is_day_first else f"{name} {rank}, {spoken}"


def read_decade(match: re.Match[str]) -> str | None:
    """Reads a match of DECADES: nineteen sixties to nineteen eighties."""
    words = [_decade(written) for written in match.groups() if written]
    return None if None in words else " to ".join(map(str, words))


def read_years(match: re.Match[str]) -> str | None:
    """Reads a match of YEARS: nineteen thirty-nine to forty-five."""
    first, last = match["first"], match["last"]
    if int(last) <= int(first[-len(last) :]):
        return None
    if match["mark"] == "/" and int(last) != int(first[-len(last) :]) + 1:
        return None
    return f"{spell_year(first)} to {spell_year(last) if len(last) == 4 else spell_pairs(last)}"


def read_year(match: re.Match[str]) -> str | None:
    """Reads a match of YEAR, unless it counts something: 1203 items."""
    year, before, after = match["year"], match["before"] or "", (match["after"] or "").strip()
    dated = bool(_DATED.fullmatch(before.strip()))
    if not dated and int(year) < _FIRST:
        return None
    if _COUNTED.fullmatch(after) or (after.endswith("s") and not _SINGULAR.fullmatch(after)):
        return None
    return f"{before}{spell_year(year)}"


def _decade(written: str) -> str | None:
    digits = re.sub(r"\D", "", written)
    if digits == "00":
        return None
    if digits == "2000":
        return "two thousands"
    century = spell_number(digits[:2], "", "en") if len(digits) == 4 else None
    return " ".join(filter(None, [century, _DECADES[int(digits[-2])]]))


def _is_verb(match: re.Match[str]) -> bool:
    return match["month"] in ("may", "march", "mar")


def _month(match: re.Match[str]) -> str:
    written = match["month"].lower()
    name = next(month for month in MONTHS if month.lower().startswith(written[:3]))
    return name if match["month"][0].isupper() else name.lower()


def _rank(day: str) -> str:
    return spell_number(str(int(day)), "", "en", "ordinal") or day
