"""Normalises text for the model: no unusual characters, and words for what is not spelled."""

import re
from functools import cache
from typing import Final

from deployments.text.characters import clean, drop_silent
from deployments.text.chinese import read_chinese, read_japanese
from deployments.text.english import read_english
from deployments.text.languages import found_language, runs
from deployments.text.numerals import can_be_said, parse_number, pattern, spell_number
from deployments.text.options import DEFAULT_OPTIONS, NormalizationOptions

_YEARS: Final = range(1100, 2100)


def normalise(text: str, language: str = "en", options: NormalizationOptions = DEFAULT_OPTIONS) -> str:
    """Returns the text with numbers, signs, dates, times, addresses and abbreviations in words.

    Each language of a mixed text is read by its own rules. What no rule reads stays whole. Line breaks stay: they are
    pauses.

    Args:
        text: The text to speak.
        language: Language of the text, ISO 639-1, or `auto`: Chinese or Japanese by their characters, else English.
        options: What is written in words.
    """
    if not options.normalize:
        return text
    text = clean(text)
    language = found_language(text) if language == "auto" else language
    return drop_silent("\n".join(_line(line, language, options) for line in text.split("\n")))


def _line(line: str, language: str, options: NormalizationOptions) -> str:
    return "".join(_read(part, found, options) for part, found in runs(line, language))


def _read(text: str, language: str, options: NormalizationOptions) -> str:
    if language == "en":
        return read_english(text, options)
    if language == "zh":
        return read_chinese(text, options)
    if language == "ja":
        return read_japanese(text, options)
    if can_be_said(language):
        text = _numbers(language).sub(lambda match: _spell(match["number"], language) or match.group(), text)
    return text


@cache
def _numbers(language: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,:/$€£¥-])(?<!\d')(?P<number>{pattern(language)})(?![\w:/%$€£¥]|[.,'-]\d)")


def _spell(written: str, language: str) -> str | None:
    is_year = len(written) == 4 and written.isdigit() and int(written) in _YEARS
    return spell_number(*parse_number(written, language), language, "year" if is_year else "cardinal")
