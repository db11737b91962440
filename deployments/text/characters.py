"""Replaces characters that are written in many ways, and removes those that have no sound."""

import re
import unicodedata
from typing import Final

_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"')
    | dict.fromkeys("\u20e3\u00a0\u2007\u202f\u3000\t\v\r", " ")
    | dict.fromkeys("\f\u2028\u2029\x85", "\n\n")
    | dict.fromkeys("\u2010\u2011\u2012\u2212", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
    | dict.fromkeys("\ufe0e\ufe0f")
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {chr(0xFF21 + letter): chr(0x41 + letter) for letter in range(26)}
    | {chr(0xFF41 + letter): chr(0x61 + letter) for letter in range(26)}
    | dict(zip("％＋－＝＃＆＠＄￠￡￥￦／＊＜＞～", "%+-=#&@$¢£¥₩/*<>~", strict=True))
    | {chr(0x2080 + digit): str(digit) for digit in range(10)}
    | {"\u2026": "...", "\u2103": "°C", "\u2109": "°F", "\u2126": "Ω", "µ": "μ"}
)
"""Unifies kinds of quotes, spaces and hyphens; removes variation selectors of emoji; narrows full-width digits,
letters and signs, but not full-width punctuation, which is usual in Chinese; a form feed ends a paragraph."""
_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])[`\u00b4](?=(?:ll|re|ve|s|t|d|m)\b)", re.IGNORECASE)
"""A key that is often typed for an apostrophe, as in I`ll and won´t."""
_WIDE_GROUP: Final = re.compile(r"(?<=[\uff10-\uff19])[，．：](?=[\uff10-\uff19])")
_NARROW: Final = {"，": ",", "．": ".", "：": ":"}
_GROUPED: Final = re.compile(r"(?<=\d)(?:[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))| (?=000(?!\d)))")
"""The spaces in 10 000."""
_RULE: Final = re.compile(r"^ ?[=*_~#+-]{3,} ?$", re.MULTILINE)
"""A line that serves as a divider."""
_FRACTION: Final = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e])")
_POWER: Final = re.compile(r"(?<=\d)\u207b?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
"""The exponent in 10⁻⁶."""
_EMOTICON: Final = re.compile(
    r"(?:^| )(?:[:;=]'?[-o^]?[)(\]\[DPp/\\|*]+|[:;]-?[oO]|[xX]D+|<3+|\^_+\^)(?=[\s.,!?]|$)", re.MULTILINE
)
_READ: Final = frozenset({"°", "№", *map(chr, range(0x3200, 0x3400))})
"""Symbols that are read in context, as in 20 °C or 100 ㎡."""


def clean(text: str) -> str:
    """Returns the text in NFC, with plain quotes, spaces and hyphens, and narrow digits, letters and signs.

    Line breaks stay: they are pauses.
    """
    text = _WIDE_GROUP.sub(lambda match: _NARROW[match.group()], _APOSTROPHE.sub("'", text))
    text = unicodedata.normalize("NFC", _GROUPED.sub("", text).translate(_PLAIN))
    text = _FRACTION.sub(_fraction, text)
    text = _POWER.sub(lambda match: "^" + unicodedata.normalize("NFKC", match.group()).replace("\u2212", "-"), text)
    return _RULE.sub("", _EMOTICON.sub("", re.sub(r"[^\S\n]+", " ", text)))


def drop_silent(text: str) -> str:
    """Removes emoji, private and unassigned characters, and white space that they leave."""
    marked = "".join(character if character in _READ or not _is_silent(character) else "\0" for character in text)
    # What they part must not become one word or number.
    text = re.sub(r"(?<=[^\s\0])\0+(?=\w)|(?<=\d)\0+(?=\S)", " ", marked).replace("\0", "")
    text = re.sub(r" +", " ", re.sub(r"\.{4,}", "...", text))
    return re.sub(r" ?\n ?", "\n", text).strip()


def _is_silent(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Co", "Cn")


def _fraction(match: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", match[2]).replace("\u2044", "/")
    return f"{match[1]} {plain}" if match[1] else plain
