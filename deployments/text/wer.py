"""Texts compared as they sound: words, or characters where a script has no spaces."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final

from deployments.text.normalisation import normalise

_WIDE: Final = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN: Final = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+(?:'[^\W_{_WIDE}]+)*")
_PUNCTUATION: Final = re.compile(r"[^\w\s]*")
_ALIGNED: Final = 0.5
"""Part of what is heard before a cut that must be found in the text, for the two to be the same."""


def tokens(text: str, language: str = "en") -> list[str]:
    """Its words, and its Chinese or Japanese characters one by one, without case and punctuation; numbers in words."""
    return _said(_TOKEN.finditer(normalise(text, language)))


def error_rate(expected: str, heard: str, language: str = "en") -> float:
    """Edits that make one text the other, over the tokens expected: WER, for Chinese and Japanese CER."""
    wanted = tokens(expected, language)
    return edits(wanted, tokens(heard, language)) / max(len(wanted), 1)


def edits(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein distance: insertions, deletions and replacements."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


class Alignment:
    """A text beside what was heard of it.

    Args:
        text: What should have been said.
        heard: Words as they were heard.
    """

    def __init__(self, text: str, heard: Sequence[str]) -> None:
        self._text = text
        self._found = list(_TOKEN.finditer(text))
        self._ends: list[int] = []  # of each heard word, in tokens
        spoken: list[str] = []
        for word in heard:
            spoken += _said(_TOKEN.finditer(word))
            self._ends.append(len(spoken))
        matcher = SequenceMatcher(None, _said(self._found), spoken, autojunk=False)
        self._blocks = matcher.get_matching_blocks()

    def cut_after(self, last: int) -> str | None:
        """The beginning of the text up to the heard word at `last`, punctuation after it included.

        None where the text has no such word at about that place, or says something else before it.
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
