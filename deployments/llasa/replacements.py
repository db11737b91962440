"""Reads a tokenizer whose normalizer has many replacements, and looks them up instead of trying one after the other.

The embedded Llasa reads by a lexicon of 40 000 words and by 3 000 pairs of sounds, each of them a replacement. The
library compiles all of them when it reads the file, and searches every text for each.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self

from tokenizers import NormalizedString, Regex, Tokenizer, normalizers

_MANY: Final = 100
"""Replacements in a row that are worth a lookup."""
_PAIR: Final = re.compile(r"\(\?<=(.)\)(.)", re.DOTALL)


class Lookup:
    """A normalizer that does what a run of replacements does.

    Args:
        finder: Finds, in its only group, what of a text may be replaced.
        replacements: Pattern and content by what the finder finds.
    """

    def __init__(self, finder: str, replacements: Mapping[str, tuple[str | Regex, str]]) -> None:
        self._finder = re.compile(finder, re.DOTALL)
        self._replacements = replacements

    def normalize(self, text: NormalizedString) -> None:
        """Replaces in a text. The name is the library's."""
        for found in dict.fromkeys(self._finder.findall(text.normalized)):
            if replacement := self._replacements.get(found):
                text.replace(*replacement)

    @classmethod
    def of_words(cls, contents: Mapping[str, str]) -> Self | None:
        """Returns a lookup of strings between two marks; None if replacing one could make or break another."""
        first, last = {word[:1] for word in contents}, {word[-1:] for word in contents}
        marks = "".join(first | last)
        if len(first) + len(last) != len(marks) or len(marks) != 2:
            return None
        inside = (*(word[1:-1] for word in contents), *contents.values())
        if any(mark in text for mark in marks for text in inside):
            return None
        finder = "({}[^{}]*{})".format(*map(re.escape, (*first, marks, *last)))
        return cls(finder, {word: (word, content) for word, content in contents.items()})

    @classmethod
    def of_pairs(cls, contents: Mapping[str, str]) -> Self | None:
        """Returns a lookup of second characters after first ones; None if replacing one could make or break another."""
        characters = {*"".join(contents)}
        for pair, content in contents.items():
            if content[-1:] != pair[1] or characters & {*content[:-1]}:
                return None
        return cls("(?=(..))", {pair: (Regex(f"(?<={pair[0]}){pair[1]}"), text) for pair, text in contents.items()})


def read_tokenizer(file: Path) -> Tokenizer:
    """Reads a tokenizer.json.

    Raises:
        OSError: it is missing.
        Exception: it is not a tokenizer's; `tokenizers` has no type for it.
    """
    text = file.read_text(encoding="utf-8")
    if text.count('"Replace"') < _MANY:
        return Tokenizer.from_str(text)
    definition = json.loads(text)
    kept: list[dict[str, Any]] = []
    order: list[Lookup | None] = []
    """None: the next one of those kept."""
    for kind, run in groupby(definition["normalizer"].get("normalizers", ()), _kind):
        steps = [*run]
        if lookup := _lookup(kind, steps):
            order.append(lookup)
        else:
            kept += steps
            order += [None] * len(steps)
    definition["normalizer"] = {"type": "Sequence", "normalizers": kept}
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    rest = iter(tokenizer.normalizer)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Normalizer.custom(lookup) if lookup else next(rest) for lookup in order]
    )
    return tokenizer


def _kind(step: Mapping[str, Any]) -> str:
    pattern = step.get("pattern", {})
    if "String" in pattern:
        return "words"
    pair = _PAIR.fullmatch(pattern.get("Regex", ""))
    return "pairs" if pair and all(re.escape(character) == character for character in pair.groups()) else ""


def _lookup(kind: str, steps: Sequence[Mapping[str, Any]]) -> Lookup | None:
    if not kind or len(steps) < _MANY:
        return None
    if kind == "words":
        contents = {step["pattern"]["String"]: step["content"] for step in steps}
    else:
        contents = {"".join(_PAIR.findall(step["pattern"]["Regex"])[0]): step["content"] for step in steps}
    if len(contents) < len(steps):
        return None
    return Lookup.of_words(contents) if kind == "words" else Lookup.of_pairs(contents)
