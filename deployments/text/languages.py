"""Parts a text by the languages whose rules read it."""

import re
from typing import Final

from deployments.text.addresses import EMAIL, URL

_WIDE: Final = r"\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Letters and punctuation of Chinese and Japanese."""
_CHINESE: Final = re.compile(f"[{_WIDE}\uff00-\uffef]+")
_HAN: Final = re.compile(f"[{_WIDE}]")
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_UNITS: Final = (
    "km|cm|mm|kg|mg|ml|mL|ms|kb|mb|gb|tb|hz|khz|mhz|ghz|am|pm|bc|ad|kw|kwh|km/h|m/s|fps|dpi|ppm|ph|ok|usd|rmb|cny|eur"
)
_ENGLISH: Final = re.compile(rf"(?<![\w.])(?!(?:{_UNITS})\b)[A-Za-z\u00c0-\u024f]{{2,}}", re.IGNORECASE)
"""A word, not a unit that belongs to a number."""
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_WIDE_MARK: Final = re.compile("[，。、；：？！]")
_ADDRESS: Final = re.compile(f"{EMAIL.pattern}|{URL.pattern}")
_UNTIL_LETTER: Final = re.compile(r"[\W\d_]*")
_TO_LETTER: Final = re.compile(r"(?:.*[^\W\d_][^\s,.;:!?]*)?", re.DOTALL)


def found_language(text: str) -> str:
    """Returns `ja`, `zh` or `en`: by the script of most of a text."""
    wide = len(_HAN.findall(text))
    latin = len(_LATIN.findall(text))
    if wide + len(_WIDE_MARK.findall(text)) <= latin:
        return "en"
    return "ja" if _KANA.search(text) else "zh"


def runs(line: str, language: str) -> list[tuple[str, str]]:
    """Returns the parts of a line, in order, with their languages (ISO 639-1).

    Numbers between Chinese characters, or beside them, belong to the Chinese.

    Args:
        line: A line of text.
        language: Language of the text, ISO 639-1. Chinese within it is Chinese, words in Latin letters within
            Chinese or Japanese are English.
    """
    is_wide_language = language in ("zh", "ja")
    latin = "en" if is_wide_language else language
    if not _HAN.search(line):
        own = is_wide_language and not (_ENGLISH.search(line) or _HANGUL.search(line))
        return [(line, language if own else latin)]
    wide = "ja" if language == "ja" or (language != "zh" and _KANA.search(line)) else "zh"
    parts: list[tuple[str, str]] = []
    end = 0
    for address in _ADDRESS.finditer(line):
        parts += [*_apart(line[end : address.start()], wide, latin), (address.group(), latin)]
        end = address.end()
    return _joined([*parts, *_apart(line[end:], wide, latin)])


def _apart(line: str, wide: str, latin: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    end = 0
    for match in _CHINESE.finditer(line):
        parts += _beside(line[end : match.start()], wide, latin, after=end > 0, before=True)
        parts.append((match.group(), wide))
        end = match.end()
    return [*parts, *_beside(line[end:], wide, latin, after=end > 0, before=False)]


def _beside(text: str, wide: str, latin: str, *, after: bool, before: bool) -> list[tuple[str, str]]:
    # What stands after and before Chinese; digits without a letter in between are read as Chinese.
    if not _ENGLISH.search(text):
        return [(text, wide)]
    start = _UNTIL_LETTER.match(text)
    end = _TO_LETTER.match(text)
    first = start.end() if after and start and re.search(r"\d", start.group()) else 0
    last = end.end() if before and end and re.search(r"\d", text[end.end() :]) else len(text)
    return [(text[:first], wide), (text[first:last], latin), (text[last:], wide)]


def _joined(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for text, language in parts:
        if text and joined and joined[-1][1] == language:
            joined[-1] = (joined[-1][0] + text, language)
        elif text:
            joined.append((text, language))
    return joined
