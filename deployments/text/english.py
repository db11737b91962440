"""Normalises English."""

import re
from typing import Final

from deployments.text import abbreviations, addresses, codes, dates, measures, money, times
from deployments.text.draft import Draft, Reader
from deployments.text.numerals import AMOUNT, spell_amount, spell_number
from deployments.text.options import NormalizationOptions

_PHONETIC: Final = re.compile(r"\[[^\[\]\n]{1,60}\]")
"""Sounds in brackets, as [poʊst] and [HH AH0]."""
_SOUNDS: Final = re.compile(r".*[ˈˌəɪʊɛɔæɑʌŋθðʃʒɹːɡ].*|(?:[A-Z]{1,2}[0-2]? ){1,20}[A-Z]{1,2}[0-2]?")
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:Z|(?=[+-]|\b))")
_GROUPS: Final = re.compile(
    r"(?<![\w.,:/$-])(?<!\d )(?:[1-9]\d?(?: \d{3}){2,5}|[1-9]\d? \d{3}(?= (?:people|[a-z]{2,}s|km|kg)\b))"
    r"(?! ?\d|[.,]\d)"
)
"""1 234 567, and 1 500 before what is counted."""
_FOREIGN: Final = re.compile(r"(?<![\w.,])\d{1,3}(?: \d{3})+,\d+(?![\w,])")
"""1 234,56 has a decimal comma, or is a list."""
_RUPEES: Final = re.compile(r"(?:\bRs\.? ?|₹ ?)(\d(?:[\d,]*\d)?)")
"""Rs. 500, and ₹1,00,000 with commas as in India."""
_TAG: Final = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_ORDINAL: Final = re.compile(r"(?<![\w.,:/$€£¥'-])(\d{1,3}(?:,\d{3})+|\d+)(st|nd|rd|th)\b", re.IGNORECASE)
_NUMBER: Final = re.compile(
    rf"(?<![\w./$€£¥%])(?<!\d[',:])(?<!\w-)(?:(?<![^\s([{{\"'=<>:;])(?P<sign>[-+±~≈]))?(?P<number>{AMOUNT})"
    r"(?![\w:/%°$€£¢]|[.,'–_]\d|-[A-Za-z-]*\d)"
)
_UNREAD: Final = re.compile(r"(?<![^\s.,;:!?()\"'“”])[^\s.,;:!?()\"'“”]*\d(?:\S*[^\s.,;:!?()\"'“”])?")
_CODE: Final = 10
"""Digits of a plain row that is a telephone number or a code, not a number."""
_SIGNS: Final = {"-": "minus ", "+": "plus ", "±": "plus or minus ", "~": "about ", "≈": "about "}

_RULES: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (codes.PENSION, codes.read_pension),
    (addresses.STREET, addresses.read_street),
    (abbreviations.ABBREVIATION, abbreviations.read_abbreviation),
    (addresses.NETWORK, addresses.read_network),
    (dates.DASHED, dates.read_dashed),
    (addresses.VERSION, addresses.read_version),
    (addresses.CODE, addresses.read_code),
    (money.SUM, money.read_sum),
    (money.UNREADABLE, re.Match.group),
    (dates.MONTH_DAY, dates.read_month_day),
    (dates.DAY_MONTH, dates.read_day_month),
    (dates.MONTH_YEAR, dates.read_month_year),
    (dates.YEARS, dates.read_years),
    (dates.DECADES, dates.read_decade),
    (times.TIMES, times.read_times),
    (times.TIME, times.read_time),
    (times.RATIO, times.read_ratio),
    (measures.HEIGHT, measures.read_height),
    (measures.INCHES, measures.read_inches),
    (measures.RESOLUTION, measures.read_resolution),
    (measures.PERCENT, measures.read_percent),
)
_UNITS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (measures.MEASURE, measures.read_measure),
    (measures.PER_UNIT, measures.read_per_unit),
)


def read_english(text: str, options: NormalizationOptions) -> str:
    """Writes what a line of English does not spell in words; what no rule reads is left whole."""
    if options.optional_pluralization_normalization:
        text = codes.PLURAL.sub(r"\1", text)
    text = _GROUPS.sub(lambda match: match.group().replace(" ", ""), text.replace("+/-", "±"))
    text = _RUPEES.sub(lambda match: f"₹{match[1].replace(',', '')}", text)
    draft = Draft(_INSTANT.sub(r"\1 \2", text))
    draft.read(_PHONETIC, lambda match: match.group() if _SOUNDS.fullmatch(match.group()[1:-1]) else None)
    draft.keep(_TAG)
    draft.keep(_FOREIGN)
    draft.read(addresses.EMAIL, addresses.read_address if options.email_normalization else re.Match.group)
    draft.read(addresses.URL, addresses.read_address if options.url_normalization else re.Match.group)
    draft.read(addresses.PHONE, addresses.read_phone if options.phone_normalization else re.Match.group)
    draft.read(codes.HANDLE, lambda match: "at ")
    for rule, reader in _RULES:
        draft.read(rule, reader)
    if options.unit_normalization:
        for rule, reader in _UNITS:
            draft.read(rule, reader)
    for rule, reader in _LATER:
        draft.read(rule, reader)
    draft.keep(_UNREAD)
    if options.replace_remaining_symbols:
        draft.rewrite(codes.replace_symbols)
    return draft.finish()


def _read_ordinal(match: re.Match[str]) -> str | None:
    digits = match[1].replace(",", "")
    rank = spell_number(digits, "", "en", "ordinal")
    if rank is None or (len(digits) > 1 and digits[0] == "0"):
        return match.group()
    suffix = "th" if digits[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(digits[-1], "th")
    return rank if match[2].lower() == suffix else f"{spell_number(digits, '', 'en')} {match[2]}"


def _read_number(match: re.Match[str]) -> str | None:
    number = match["number"]
    is_code = number.isdecimal() and len(number) >= _CODE
    words = spell_number(number, "", "en", "digits") if is_code else spell_amount(number)
    if words is None:
        return match.group()
    return _SIGNS[match["sign"]] + words if match["sign"] else words


_LATER: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (measures.SCIENTIFIC, measures.read_scientific),
    (measures.EXPRESSION, measures.read_expression),
    (measures.FRACTION, measures.read_fraction),
    (measures.MULTIPLIER, measures.read_multiplier),
    (measures.PRODUCT, measures.read_product),
    (measures.RANGE, measures.read_range),
    (_ORDINAL, _read_ordinal),
    (dates.YEAR, dates.read_year),
    (_NUMBER, _read_number),
    (codes.MULTIPLE, codes.read_multiple),
    (codes.ROMAN, codes.read_roman),
    (codes.MIXED, codes.read_mixed),
)
