"""Trims and fades the edges of a take, and computes the pauses between takes."""

from typing import Final

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

LEAD: Final = 2
"""Quiet frames (20 ms each) kept before the speech."""
TRAIL: Final = 3
"""Quiet frames kept after the speech."""
FADE: Final = HOP // 2
"""Samples (10 ms) of the fades in and out."""


class Edges:
    """Trims and fades one take while it grows, in whole frames. Keeps the silence inside.

    The output does not depend on how the input is cut.
    """

    def __init__(self) -> None:
        self._held = np.zeros(0, np.float32)  # quiet frames, and the last loud one, which may be the last of all
        self._begun = False

    @property
    def quiet(self) -> float:
        """Number of quiet frames at the end so far."""
        return len(self._held) / HOP - (1 if self._begun else 0)

    def push(self, wav: Waveform) -> Waveform:
        """Takes the next frames ([n * HOP] samples); returns those that are certain to stay."""
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
        """Returns the remaining samples. A silent take is returned whole."""
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


def gap(pause: float, *, after: bool = True, before: bool = True) -> int:
    """Returns the samples of silence to add for a pause in seconds; if negative, the takes overlap.

    Args:
        pause: Seconds between the speech of two takes.
        after: Whether it follows a take.
        before: Whether a take follows it.
    """
    return round(pause * SAMPLE_RATE) - (TRAIL * HOP if after else 0) - (LEAD * HOP if before else 0)


def quiet_edges(wav: Waveform) -> tuple[int, int]:
    """Returns the samples of silence before and after the speech of a take."""
    (loud,) = np.nonzero(frame_levels(wav) > QUIET)
    if not len(loud):
        return len(wav), 0
    return int(loud[0]) * HOP, len(wav) - (int(loud[-1]) + 1) * HOP


def crossfaded(before: Waveform, wav: Waveform) -> Waveform:
    """Crossfades the end of the previous take, [fewer samples], into the beginning of a take, [samples]."""
    overlap = min(len(before), len(wav))
    rise = _rise(overlap)
    wav = wav.copy()
    wav[:overlap] = wav[:overlap] * rise + before[:overlap] * rise[::-1]
    return wav
