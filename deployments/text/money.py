"""Spells out sums of money in English."""

import re
from typing import Final

from deployments.text.numerals import parse_number, pattern, spell_number

_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
_COUNTRIES: Final = {"US": "US ", "CA": "Canadian ", "A": "Australian ", "AU": "Australian ", "NZ": "New Zealand "}
_SCALES: Final = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "tn": "trillion"}
_NUMBER: Final = pattern("en")
_SUM: Final = re.compile(
    rf"(?<!\w)(?P<minus>-)?(?P<country>US|CA|AU|A|NZ)?(?P<before>[$€£]) ?(?P<amount>{_NUMBER})"
    rf"(?:[-–](?P=before)?(?P<most>{_NUMBER}))?(?![\d.,]*\d|[-–]\d)"
    r"(?: ?(?P<scale>thousand|million|billion|trillion|k|mn|m|bn|b|tn))?(?!\w)"
    rf"|(?<![\w.,$€£])(?P<sum>{_NUMBER})(?:[-–](?P<upto>{_NUMBER}))? ?(?P<after>[€£])(?!\w)",
    re.IGNORECASE,
)


def spell_money(text: str) -> str:
    """Writes the sums of a text in words. Leaves lookalikes with further digits or letters unchanged."""
    return _SUM.sub(_read, text)


def _read(match: re.Match[str]) -> str:
    if most := match["most"] or match["upto"]:  # $5-10
        words, highest = spell_number(*parse_number(match["amount"] or match["sum"], "en"), "en"), _sum(match, most)
        if words is None or highest is None:
            return match.group()
        return " ".join(filter(None, ["minus" if match["minus"] else "", words, "to", highest]))
    words = _sum(match, match["amount"] or match["sum"])
    if words is None:
        return match.group()
    return f"minus {words}" if match["minus"] else words


def _sum(match: re.Match[str], amount: str) -> str | None:
    one, many, cent, cents = _CURRENCIES[match["before"] or match["after"]]
    whole, decimals = parse_number(amount, "en")
    country = _COUNTRIES[match["country"].upper()] if match["country"] else ""
    scale = (match["scale"] or "").lower()
    if scale or len(decimals) not in (0, 2):
        words = spell_number(whole, decimals, "en")
        unit = f"{_SCALES.get(scale, scale)} {country}{many}".strip()
    else:
        words = spell_number(str(int(whole)), "", "en")
        unit = f"{country}{one if int(whole) == 1 else many}"
        if part := int(decimals or 0):
            change = f"{spell_number(str(part), '', 'en')} {cent if part == 1 else cents}"
            words, unit = (words, f"{unit} {change}") if int(whole) else ("", change)
    return None if words is None else f"{words} {unit}".strip()
