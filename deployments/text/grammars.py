"""Reads spans by the grammars of wetext, and refuses readings that are not whole or have another value."""

import re
from collections import Counter
from functools import cache, lru_cache
from typing import Any, Final, Literal, get_args

from deployments.text.numerals import readings

Language = Literal["en", "zh", "ja"]

_UNSAFE: Final = re.compile(r'["\\{}\n]')
"""Marks of the format between wetext's two grammars; it writes them with backslashes, or fails."""
_NUMBER: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_UNREAD: Final = re.compile(r"[\d$€£¥₹₩¢%°#@&+=<>^~_|*]")
_BROKEN: Final = re.compile(r"[一二三四五六七八九十百千万亿零两幺][,.:/][一二三四五六七八九十零两幺]")
"""A number read in pieces."""
_DIGITS: Final = str.maketrans("两兩幺〇ゼ", "二二一零零")
_NONZERO: Final = "一二三四五六七八九"
_LONGEST: Final = 200
"""Maximum characters of a span: the grammars take more than linear time."""


def read(text: str, language: Language) -> str | None:
    """Reads a short span; None if the grammars fail, leave something unread, or say another value."""
    if _UNSAFE.search(text) or len(text) > _LONGEST:
        return None
    said = _grammar(text, language)
    if said is None or _UNREAD.search(said) or _BROKEN.search(said):
        return None
    return said if (_same_words(text, said) if language == "en" else _same_digits(text, said)) else None


def load_grammars() -> None:
    """Loads the grammars, which takes half a second, so that no request has to wait for it."""
    for language in get_args(Language):
        _grammar("1", language)


def simplified(text: str) -> str:
    """Returns Chinese in simplified characters."""
    from wetext import preprocess

    return str(preprocess(text, traditional_to_simple=True))


@lru_cache(maxsize=8192)
def _grammar(text: str, language: Language) -> str | None:
    try:
        return str(_normalizer(language).normalize(text))
    except Exception:  # noqa: BLE001 - its assertions fail for characters that its grammars do not know
        return None


@cache
def _normalizer(language: Language) -> Any:
    from wetext import Normalizer  # loads the grammars of all languages: 0.3 s, 35 MiB

    return Normalizer(lang=language)


def _same_words(text: str, said: str) -> bool:
    words = f" {_plain(said)} "
    return all(any(f" {_plain(way)} " in words for way in readings(number)) for number in _NUMBER.findall(text))


def _plain(words: str) -> str:
    found = re.findall(r"[^\W_]+", words.lower())
    return " ".join("zero" if word in ("oh", "o") else word for word in found if word != "and")


def _same_digits(text: str, said: str) -> bool:
    # 一 is not said in 十五, and fractions are read from the end.
    wanted = Counter(character for character in _chinese(text) if character in _NONZERO)
    found = Counter(character for character in _chinese(said) if character in _NONZERO)
    silent = said.count("十") + said.count("百") + said.count("千") + said.count("初")
    missing = wanted - found
    return not found - wanted and missing["一"] <= silent and missing.total() == missing["一"]


def _chinese(text: str) -> str:
    return text.translate(_DIGITS).translate(str.maketrans("0123456789", "零一二三四五六七八九"))
