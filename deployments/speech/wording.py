"""Texts compared as they sound: words, or characters where a script has no spaces."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from deployments.speech.normalise import normalise

_TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\W_]+(?:'[^\W_]+)*")


def tokens(text: str, language: str = "en") -> list[str]:
    """Its words, and its Chinese or Japanese characters one by one, without case and punctuation; numbers in words."""
    return [match.group().casefold() for match in _TOKEN.finditer(normalise(text, language))]


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


def cut_after(text: str, heard: Sequence[str], last: int) -> str | None:
    """The beginning of a text up to the word that was heard at `last`, punctuation after it included.

    Args:
        text: What should have been said.
        heard: Words as they were heard.
        last: Place in `heard` of the last word wanted.

    Returns:
        None where the text has no such word at about that place.
    """
    found = list(_TOKEN.finditer(text))
    ends: list[int] = []  # of each heard word, in tokens
    spoken: list[str] = []
    for word in heard:
        spoken += [match.group().casefold() for match in _TOKEN.finditer(word)]
        ends.append(len(spoken))
    wanted = ends[last] - 1
    matcher = SequenceMatcher(None, [match.group().casefold() for match in found], spoken, autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.b <= wanted < block.b + block.size:
            end = found[block.a + wanted - block.b].end()
            after = re.compile(r"[^\w\s]*").match(text, end)
            return text[: after.end() if after else end].strip()
    return None
