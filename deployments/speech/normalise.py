"""Text as the model is to read it: no odd characters, no digits it might stumble over."""

import re
import unicodedata
from functools import cache
from typing import Final

from deployments.speech.money import spell_money
from deployments.speech.numerals import can_be_said, parsed, pattern, said

_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"')
    | dict.fromkeys("\u00a0\u2007\u202f\u3000\t\v\f\r", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {chr(0xFF21 + letter): chr(0x41 + letter) for letter in range(26)}
    | {chr(0xFF41 + letter): chr(0x61 + letter) for letter in range(26)}
    | {"\u2026": "...", "\u2103": "°C", "\u2109": "°F"}
)
"""Kinds of quotes, spaces and hyphens made one; full-width digits and letters, not full-width punctuation: that is how
Chinese is written."""
_SYMBOLS: Final = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "°": "degrees", "@": "at"}

_WIDE: Final = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_GROUPED: Final = re.compile(r"(?<=\d)(?:[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))| (?=000(?!\d)))")
"""The spaces of 10 000."""
_KEPT: Final = re.compile(
    r"(?:https?://|www\.)\S+|(?<![^\s@])[^\s@]+@[^\s@]+\.\w+"
    r"|(?<!\w)(?:\+\d[\d ()/-]{6,}\d|\(\d{2,5}\) ?\d[\d -]{4,}\d)"
)
"""Web and mail addresses and telephone numbers: read out, every symbol of theirs would be wrong."""
_RULE: Final = re.compile(r"^ ?[=*_~#+-]{3,} ?$", re.MULTILINE)
"""A line that divides."""
_YEARS: Final = range(1100, 2100)


def normalise(text: str, language: str = "en") -> str:
    """Light normalisation: NFC, plain quotes and spaces, full-width letters made narrow, no symbols that have no sound,
    numbers as words.

    Digits beside Chinese characters, in dates, times, codes and addresses stay as they are: the model reads them in
    context. Line breaks stay: they are pauses.

    Args:
        text: To be spoken.
        language: ISO 639-1, of the numbers. Those of a language that num2words does not know stay digits.
    """
    text = _GROUPED.sub("", unicodedata.normalize("NFC", text)).translate(_PLAIN)
    text = _RULE.sub("", re.sub(r"[^\S\n]+", " ", text))
    if not re.search(f"[{_WIDE}]", text):
        text = _outside_addresses(text, language)
    text = "".join(character for character in text if unicodedata.category(character) not in ("So", "Sk", "Co", "Cn"))
    text = re.sub(r"\.{4,}", "...", text)
    text = re.sub(r" +", " ", text)
    return re.sub(r" ?\n ?", "\n", text).strip()


def _outside_addresses(text: str, language: str) -> str:
    parts: list[str] = []
    end = 0
    for address in _KEPT.finditer(text):
        parts += [_spell(text[end : address.start()], language), address.group()]
        end = address.end()
    return "".join([*parts, _spell(text[end:], language)])


def _spell(text: str, language: str) -> str:
    if not can_be_said(language):
        return text
    if language == "en":
        text = re.sub(r"(?<=\w)\^(?=-?\w)", " to the power of ", text)
        text = re.sub(r"(?<![^\s(])-(?=\d)", "minus ", spell_money(text))
    text = _numbers(language).sub(lambda match: _read(match, language) or match.group(), text)
    if language == "en":
        for symbol, word in _SYMBOLS.items():
            text = re.sub(rf" ?{re.escape(symbol)} ?(?=[.,;:!?)])", f" {word}", text)
            text = re.sub(rf" ?{re.escape(symbol)} ?", f" {word} ", text)
    return text


@cache
def _numbers(language: str) -> re.Pattern[str]:
    ordinal = r"(?P<ordinal>\d{1,3}(?:,\d{3})+|\d+)(?i:st|nd|rd|th)\b|" if language == "en" else ""
    return re.compile(rf"(?<![\w.,:/-])(?:{ordinal}(?P<number>{pattern(language)})(?![\w:/{_WIDE}]|[.,-]\d))")


def _read(match: re.Match[str], language: str) -> str | None:
    if ordinal := match.groupdict().get("ordinal"):
        return said(*parsed(ordinal, language), language, "ordinal")
    written = match["number"]
    is_year = len(written) == 4 and written.isdigit() and int(written) in _YEARS
    return said(*parsed(written, language), language, "year" if is_year else "cardinal")
