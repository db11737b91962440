"""Captions of jobs: the written text, with the times at which it is spoken. Blocks."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final
from unicodedata import category

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels
from deployments.jobs.sound import Recording, speech, starts
from deployments.synthesis.captions import cues
from deployments.text.alignment import units
from deployments.whisper.protocol import Segment, Word
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

_GAP: Final = 7
"""Frames of 20 ms: shorter silences are within words."""
_UNMARKED: Final = 0.3
"""Seconds by which a cut after a punctuation mark may fit worse than one without."""


def captions(parts: Recording) -> tuple[Segment, ...]:
    """Returns the lines of a recording.

    A part's begin and end are exact. Words within it are laid over its stretches of sound by their lengths.
    """
    segments, end = [], 0.0
    for (part, path), (_, _, start) in zip(parts, starts(part for part, _ in parts), strict=True):
        end = start + part.seconds
        wav = np.concatenate([*speech(part, path)])
        if words := spoken_words(part.written, wav, start):
            segments.append(Segment(part.written, start, end, words))
    return cues(segments, end)


def spoken_words(text: str, wav: Waveform, start: float) -> tuple[Word, ...]:
    """Returns the words of a text, laid over the stretches of sound of its speech by their lengths.

    Args:
        text: The text.
        wav: [samples] mono at 16 kHz: its speech.
        start: Seconds at which it begins.
    """
    return tuple(_words(units(text), wav, start))


def _words(texts: Sequence[str], wav: Waveform, start: float) -> Iterator[Word]:
    stretches = _stretches(wav)
    at = 0
    for (begin, end), count in zip(stretches, _shared(texts, stretches), strict=True):
        own = texts[at : at + count]
        at += count
        edges = [*accumulate((len(text) + 1 for text in own), initial=0)]
        for text, one, other in zip(own, edges, edges[1:], strict=False):
            step = (end - begin) / edges[-1]
            yield Word(text, round(start + begin + one * step, 3), round(start + begin + other * step, 3), 1.0)


def _stretches(wav: Waveform) -> list[tuple[float, float]]:
    """Returns the begin and the end, in seconds, of each stretch of sound; all of it if there is none."""
    loud = np.flatnonzero(frame_levels(wav) > QUIET)
    if not len(loud):
        return [(0.0, len(wav) / SAMPLE_RATE)]
    cuts = np.flatnonzero(np.diff(loud) > _GAP)
    begins, ends = loud[[0, *(cuts + 1)]], loud[[*cuts, len(loud) - 1]] + 1
    return [(begin * HOP / SAMPLE_RATE, end * HOP / SAMPLE_RATE) for begin, end in zip(begins, ends, strict=True)]


def _shared(texts: Sequence[str], stretches: Sequence[tuple[float, float]]) -> list[int]:
    """Returns how many of the texts are spoken in each stretch: those whose lengths differ least from its duration.

    A stretch should begin after a punctuation mark: readers pause there.
    """
    sizes = [0, *accumulate(len(text) + 1 for text in texts)]
    sound = sum(end - begin for begin, end in stretches)
    pace = sound / max(sizes[-1], 1)
    # best[n]: cost of the first n texts in the stretches so far, and the cuts that have it
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for place, (begin, end) in enumerate(stretches):
        following: dict[int, tuple[float, list[int]]] = {}
        last = place == len(stretches) - 1
        for first, (cost, counts) in best.items():
            for upto in [len(texts)] if last else range(first, len(texts) + 1):
                off = abs((sizes[upto] - sizes[first]) * pace - (end - begin))
                unmarked = 0 < upto < len(texts) and category(texts[upto - 1][-1])[0] != "P"
                total = cost + off + (_UNMARKED if unmarked else 0.0)
                if total < following.get(upto, (math.inf, []))[0]:
                    following[upto] = total, [*counts, upto - first]
        best = following
    return best[len(texts)][1]
