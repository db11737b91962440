"""When each word of a text is spoken, by what Whisper heard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from deployments.whisper.protocol import Word

_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff][^\w\s]*|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
"""A word with its punctuation; a character in Chinese and Japanese."""
_SOUNDLESS: Final = re.compile(r"[^\w]|_")


@dataclass(frozen=True, slots=True)
class WordTime:
    """A word of the text, with its times in seconds."""

    word: str
    start: float
    end: float


def word_times(text: str, heard: Sequence[Word], duration: float) -> list[WordTime]:
    """Returns the words of a text with their times; empty if Whisper heard nothing.

    A word that Whisper heard differently shares the time between its neighbours by its length.

    Args:
        text: The text, as it was requested.
        heard: What Whisper heard.
        duration: Seconds of the speech.
    """
    words = _WORD.findall(text)
    pieces = [Word(piece, *span, word.probability) for word in heard for piece, span in _pieces(word)]
    if not words or not pieces:
        return []
    matcher = SequenceMatcher(
        None, [_key(word) for word in words], [_key(each.text) for each in pieces], autojunk=False
    )
    times: list[WordTime] = []
    at, before = 0, 0.0
    for block in matcher.get_matching_blocks():
        after = pieces[block.b].start if block.size else duration
        times += _shared(words[at : block.a], before, max(before, after))
        for offset in range(block.size):
            piece = pieces[block.b + offset]
            times.append(WordTime(words[block.a + offset], piece.start, piece.end))
            before = piece.end
        at = block.a + block.size
    return times


def character_times(text: str, times: Sequence[WordTime]) -> tuple[list[float], list[float]]:
    """Returns the beginning and the end of each character of a text, in seconds."""
    starts, ends = [0.0] * len(text), [0.0] * len(text)
    at, last = 0, 0.0
    for time in times:
        first = text.index(time.word, at)
        starts[at:first] = ends[at:first] = [last] * (first - at)
        step = (time.end - time.start) / len(time.word)
        at = first + len(time.word)
        starts[first:at] = [round(time.start + step * n, 3) for n in range(len(time.word))]
        ends[first:at] = [round(time.start + step * (n + 1), 3) for n in range(len(time.word))]
        last = time.end
    starts[at:] = ends[at:] = [last] * (len(text) - at)
    return starts, ends


def _pieces(word: Word) -> list[tuple[str, tuple[float, float]]]:
    found = _WORD.findall(word.text)
    return [(time.word, (time.start, time.end)) for time in _shared(found, word.start, word.end)]


def _shared(words: Sequence[str], start: float, end: float) -> list[WordTime]:
    """Shares a span of time between words by their lengths."""
    total = sum(map(len, words))
    times: list[WordTime] = []
    for word in words:
        stop = start + (end - start) * len(word) / total
        total -= len(word)
        times.append(WordTime(word, round(start, 3), round(stop, 3)))
        start = stop
    return times


def _key(word: str) -> str:
    return _SOUNDLESS.sub("", word).casefold() or word
