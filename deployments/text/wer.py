"""Compares texts by their sound: by words, or characters in scripts without spaces."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final

from rapidfuzz.distance import Levenshtein

from deployments.text.grammars import simplified
from deployments.text.normalisation import normalise

_WIDE: Final = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN: Final = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+(?:'[^\W_{_WIDE}]+)*")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_SAME: Final = {
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "oh": "zero",
    "两": "二",
    "〇": "零",
    "幺": "一",
}
"""Words that are written in two ways, and digits that are said in two."""
_PUNCTUATION: Final = re.compile(r"[^\w\s]*")
_ALIGNED: Final = 0.5
"""Fraction of the words heard before a cut that must occur in the text, to match."""


def tokens(text: str, language: str = "en") -> list[str]:
    """Splits a text into words, and Chinese or Japanese characters, without case and punctuation.

    Numbers are in words, and Chinese in simplified characters.
    """
    text = normalise(text, language)
    if _HAN.search(text) and language != "ja" and not _KANA.search(text):
        text = simplified(text)
    return [_SAME.get(token, token) for token in _said(_TOKEN.finditer(text))]


def error_rate(expected: str, heard: str, language: str = "en") -> float:
    """Returns the edit distance per expected token: WER, for Chinese and Japanese CER."""
    wanted = tokens(expected, language)
    return Levenshtein.distance(wanted, tokens(heard, language)) / max(len(wanted), 1)


class Alignment:
    """Aligns a text with the words heard.

    Args:
        text: The expected text.
        heard: The words heard.
    """

    def __init__(self, text: str, heard: Sequence[str]) -> None:
        self._text = text
        self._found = list(_TOKEN.finditer(text))
        self._ends: list[int] = []  # token index at the end of each heard word
        spoken: list[str] = []
        for word in heard:
            spoken += _said(_TOKEN.finditer(word))
            self._ends.append(len(spoken))
        matcher = SequenceMatcher(None, _said(self._found), spoken, autojunk=False)
        self._blocks = matcher.get_matching_blocks()

    def cut_after(self, last: int) -> str | None:
        """Returns the beginning of the text up to the heard word at `last`, including following punctuation.

        None if the text has no such word at about that place, or differs before it.
        """
        wanted = self._ends[last] - 1
        before = 0
        for block in self._blocks:
            if block.b <= wanted < block.b + block.size:
                before += wanted - block.b + 1
                if before < _ALIGNED * (wanted + 1):
                    return None
                end = self._found[block.a + wanted - block.b].end()
                after = _PUNCTUATION.match(self._text, end)
                return self._text[: after.end() if after else end].strip()
            before += block.size
        return None


def _said(matches: Iterable[re.Match[str]]) -> list[str]:
    return [match.group().casefold() for match in matches]
