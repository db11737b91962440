"""Text as the model is to read it: no odd characters, no digits it might stumble over."""

import re
import unicodedata
from decimal import Decimal
from typing import Final

_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"')
    | dict.fromkeys("\u00a0\u2007\u202f\u3000\t\v\f\r", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {chr(0xFF21 + letter): chr(0x41 + letter) for letter in range(26)}
    | {chr(0xFF41 + letter): chr(0x61 + letter) for letter in range(26)}
    | {"\u2026": "..."}
)
"""Kinds of quotes, spaces and hyphens made one; full-width digits and letters, not full-width punctuation: that is how
Chinese is written."""
_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
_SYMBOLS: Final = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "°": "degrees", "@": "at"}

_NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_WIDE: Final = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_KEPT: Final = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
"""Web and mail addresses: read out, every symbol of theirs would be wrong."""
_SPOKEN: Final = re.compile(
    rf"(?P<money>[$€£])\s?(?P<amount>{_NUMBER})(?![\d.,]*\d)(?:\s(?P<scale>thousand|million|billion|trillion)\b)?"
    rf"|(?<![\w.,:/-])(?P<ordinal>\d+)(?:st|nd|rd|th)\b"
    rf"|(?<![\w.,:/-])(?P<number>{_NUMBER})(?![\w:/{_WIDE}]|[.,-]\d)"
)
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
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    if not re.search(f"[{_WIDE}]", text):
        text = _outside_addresses(text, language)
    text = "".join(character for character in text if unicodedata.category(character) not in ("So", "Sk", "Co", "Cn"))
    text = re.sub(r"\.{4,}", "...", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n ?", "\n", text).strip()


def _outside_addresses(text: str, language: str) -> str:
    parts: list[str] = []
    end = 0
    for address in _KEPT.finditer(text):
        parts += [_spell(text[end : address.start()], language), address.group()]
        end = address.end()
    return "".join([*parts, _spell(text[end:], language)])


def _spell(text: str, language: str) -> str:
    from num2words import CONVERTER_CLASSES

    if language not in CONVERTER_CLASSES:
        return text
    text = _SPOKEN.sub(lambda match: _read(match, language), text)
    if language == "en":
        for symbol, word in _SYMBOLS.items():
            text = re.sub(rf"\s*{re.escape(symbol)}\s*(?=[.,;:!?)])", f" {word}", text)
            text = re.sub(rf"\s*{re.escape(symbol)}\s*", f" {word} ", text)
    return text


def _read(match: re.Match[str], language: str) -> str:
    from num2words import num2words

    def say(number: int | Decimal, to: str = "cardinal") -> str:
        try:
            return str(num2words(number, to=to, lang=language)).replace(",", "")
        except NotImplementedError:  # years and ordinals of some languages
            return match.group()

    if ordinal := match["ordinal"]:
        return say(int(ordinal), "ordinal") if language == "en" and len(ordinal) <= 12 else match.group()
    written = (match["amount"] or match["number"]).replace(",", "")
    if len(written) > 15:  # nobody says such a number: it is a code
        return match.group()
    number = Decimal(written) if "." in written else int(written)
    if match["money"]:
        return _money(match, number) if language == "en" else match.group()
    if written[0] == "0" and len(written) > 1 and "." not in written:  # 007
        return " ".join(say(int(digit)) for digit in written)
    is_year = match["number"] == written and len(written) == 4 and number in _YEARS
    return say(number, "year" if is_year else "cardinal")


def _money(match: re.Match[str], amount: int | Decimal) -> str:
    from num2words import num2words

    one, many, cent, cents = _CURRENCIES[match["money"]]
    if match["scale"] or isinstance(amount, int):
        scale = f" {match['scale']}" if match["scale"] else ""
        return f"{num2words(amount)}{scale} {one if amount == 1 and not scale else many}".replace(",", "")
    whole, part = divmod(round(100 * amount), 100)
    said = f"{num2words(whole)} {one if whole == 1 else many}".replace(",", "")
    return f"{said} {num2words(part)} {cent if part == 1 else cents}" if part else said
