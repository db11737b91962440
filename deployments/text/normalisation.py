"""Normalises text for the model: no unusual characters, no digits that it might misread."""

import re
import unicodedata
from functools import cache
from typing import Final

from deployments.text.money import spell_money
from deployments.text.numerals import can_be_said, parse_number, pattern, spell_number

_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"')
    | dict.fromkeys("\u00a0\u2007\u202f\u3000\t\v\f\r", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
    | dict.fromkeys("\u20e3\ufe0e\ufe0f")
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {chr(0xFF21 + letter): chr(0x41 + letter) for letter in range(26)}
    | {chr(0xFF41 + letter): chr(0x61 + letter) for letter in range(26)}
    | {"\u2026": "...", "\u2103": "°C", "\u2109": "°F"}
)
"""Unifies kinds of quotes, spaces and hyphens; removes variation selectors of emoji; narrows full-width digits and
letters, but not full-width punctuation, which is usual in Chinese."""
_SYMBOLS: Final = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "°": "degrees", "@": "at", "№": "number"}
_MEANT: Final = frozenset({"°", "№", *map(chr, range(0x3200, 0x3400))})
"""Symbols that are read in context, as in 20 °C or 100 ㎡, unless they have a word here."""

_WIDE: Final = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE: Final = re.compile(f"[{_WIDE}\uff00-\uffef]+")
_ENGLISH: Final = re.compile(r"\b[A-Za-z\u00c0-\u024f]{2}")
_UNTIL_LETTER: Final = re.compile(r"[\W\d_]*")
_TO_LETTER: Final = re.compile(r"(?:.*[^\W\d_])?", re.DOTALL)
_GROUPED: Final = re.compile(r"(?<=\d)(?:[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))| (?=000(?!\d)))")
"""The spaces in 10 000."""
_KEPT: Final = re.compile(
    r"(?:https?://|www\.)\S+|(?<![^\s@])[^\s@]+@[^\s@]+\.\w+"
    r"|(?<![\w.-])(?:[A-Za-z\d-]+\.)+"
    r"(?:(?i:com|org|net|edu|gov|io|ai|app|dev|co|info|tv|uk|de|fr|nl|ca|au|jp|cn)\b|[A-Za-z]{2,}(?=/))"
    r"(?:(?::\d+)?[/?#]\S*)?"
    r"|(?<!\w)(?:\+\d[\d ()/-]{6,}\d|\(\d{2,5}\) ?\d[\d -]{4,}\d)"
)
"""Web and mail addresses and telephone numbers, whose symbols would be read out wrongly."""
_RULE: Final = re.compile(r"^ ?[=*_~#+-]{3,} ?$", re.MULTILINE)
"""A line that serves as a divider."""
_YEARS: Final = range(1100, 2100)
_CODE: Final = 10
"""Digits of a plain row that is a telephone number or a code, not a number."""
_HEIGHT: Final = re.compile(r"(?<![\w.,:/'\"-])(\d{1,2})'(\d{1,2})\"(?!\w)")


def normalise(text: str, language: str = "en") -> str:
    """Normalises a text lightly: NFC, plain quotes and spaces, narrow letters for full-width ones, no silent symbols,
    numbers as words.

    Digits next to Chinese characters, in dates, times, codes and addresses stay as they are: the model reads them in
    context. English within Chinese is read as English. Line breaks stay: they are pauses.

    Args:
        text: The text to speak.
        language: Language of the numbers, ISO 639-1. Unless num2words knows it, they stay digits.
    """
    text = unicodedata.normalize("NFC", _GROUPED.sub("", text).translate(_PLAIN))
    text = _RULE.sub("", re.sub(r"[^\S\n]+", " ", text))
    text = "\n".join(_line(line, language) for line in text.split("\n"))
    text = "".join(character for character in text if character in _MEANT or not _is_odd(character))
    text = re.sub(r"\.{4,}", "...", text)
    text = re.sub(r" +", " ", text)
    return re.sub(r" ?\n ?", "\n", text).strip()


def _is_odd(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Co", "Cn")


def _line(text: str, language: str) -> str:
    if not re.search(f"[{_WIDE}]", text):
        return _outside_addresses(text, language)
    if language != "en":
        return text
    parts: list[str] = []
    end = 0
    for wide in _CHINESE.finditer(text):
        parts += [_beside(text[end : wide.start()], language, after=end > 0), wide.group()]
        end = wide.end()
    return "".join([*parts, _beside(text[end:], language, after=end > 0, before=False)])


def _beside(text: str, language: str, *, after: bool, before: bool = True) -> str:
    # English after and before Chinese; digits without a letter in between are read as Chinese.
    if not _ENGLISH.search(text):
        return text
    start = _UNTIL_LETTER.match(text)
    end = _TO_LETTER.match(text)
    first = start.end() if after and start and re.search(r"\d", start.group()) else 0
    last = end.end() if before and end and re.search(r"\d", text[end.end() :]) else len(text)
    return text[:first] + _outside_addresses(text[first:last], language) + text[last:]


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
        text = _HEIGHT.sub(_foot, text)
    text = _numbers(language).sub(lambda match: _read(match, language) or match.group(), text)
    if language == "en":
        for symbol, word in _SYMBOLS.items():
            text = re.sub(rf" ?{re.escape(symbol)} ?(?=[.,;:!?)])", f" {word}", text)
            text = re.sub(rf" ?{re.escape(symbol)} ?", f" {word} ", text)
    return text


@cache
def _numbers(language: str) -> re.Pattern[str]:
    ordinal = r"(?P<ordinal>\d{1,3}(?:,\d{3})+|\d+)(?i:st|nd|rd|th)\b|" if language == "en" else ""
    return re.compile(rf"(?<![\w.,:/-])(?<!\d')(?:{ordinal}(?P<number>{pattern(language)})(?![\w:/{_WIDE}]|[.,'-]\d))")


def _foot(match: re.Match[str]) -> str:
    feet, inches = (spell_number(str(int(digits)), "", "en") for digits in match.groups())
    return f"{feet} foot" if inches == "zero" else f"{feet} foot {inches}"


def _read(match: re.Match[str], language: str) -> str | None:
    if ordinal := match.groupdict().get("ordinal"):
        return spell_number(*parse_number(ordinal, language), language, "ordinal")
    written = match["number"]
    if language == "en" and written.isdigit() and len(written) >= _CODE:
        return spell_number(written, "", language, "digits")
    is_year = len(written) == 4 and written.isdigit() and int(written) in _YEARS
    return spell_number(*parse_number(written, language), language, "year" if is_year else "cardinal")
