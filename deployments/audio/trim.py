"""The edges of a take: silence cut off, nothing that clicks, and pauses between takes as they are planned."""

from typing import Final

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

LEAD: Final = 2
"""Quiet frames (20 ms each) left before the first that speaks."""
TRAIL: Final = 3
"""And after the last."""
_OWN: Final = (LEAD + TRAIL) * HOP
"""Samples of the pause between two takes that are their own."""
FADE: Final = HOP // 2
"""Samples (10 ms) over which a take comes and goes."""


class Edges:
    """Trims and fades one take while it grows, in whole frames. Silence inside stays.

    What comes out does not depend on how what goes in is cut.
    """

    def __init__(self) -> None:
        self._held = np.zeros(0, np.float32)  # quiet frames, and the last one that spoke: it may be the last of all
        self._begun = False

    @property
    def quiet(self) -> float:
        """Frames at the end so far in which nothing was said."""
        return len(self._held) / HOP - (1 if self._begun else 0)

    def push(self, wav: Waveform) -> Waveform:
        """Takes the next frames ([n * HOP] samples); gives those that are certain to stay."""
        held = np.concatenate([self._held, wav])
        (loud,) = np.nonzero(frame_levels(held) > QUIET)
        if not len(loud):
            self._held = held
            return held[:0]
        start = 0
        if not self._begun:
            start = max(int(loud[0]) - LEAD, 0) * HOP
        last = int(loud[-1]) * HOP
        self._held = held[last:]
        return self._begin(held[start:last]) if last > start else held[:0]

    def finish(self) -> Waveform:
        """Gives the rest. A take in which nothing is said comes out whole."""
        rest = self._held[: (1 + TRAIL) * HOP] if self._begun else self._held
        rest = self._begin(rest)
        self._held = rest[:0]
        rest = rest.copy()
        fade = min(FADE, len(rest))
        rest[len(rest) - fade :] *= _rise(fade)[::-1]
        return rest

    def _begin(self, wav: Waveform) -> Waveform:
        if self._begun or not len(wav):
            return wav
        self._begun = True
        wav = wav.copy()
        fade = min(FADE, len(wav))
        wav[:fade] *= _rise(fade)
        return wav


def _rise(samples: int) -> Waveform:
    # Half a period of a cosine, from 0 to 1.
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))).astype(np.float32)


def gap(pause: float) -> int:
    """Samples of silence between two takes that make a pause of so many seconds; below 0, they overlap by so many."""
    return round(pause * SAMPLE_RATE) - _OWN


def crossfaded(before: Waveform, wav: Waveform) -> Waveform:
    """A take, [samples], into whose beginning the end of the one before it fades, [fewer samples]."""
    overlap = min(len(before), len(wav))
    rise = _rise(overlap)
    wav = wav.copy()
    wav[:overlap] = wav[:overlap] * rise + before[:overlap] * rise[::-1]
    return wav
