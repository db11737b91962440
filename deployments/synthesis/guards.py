"""Detects failed takes without listening to them."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels
from deployments.llasa.protocol import Codes
from deployments.synthesis.pace import CODES_A_SECOND
from deployments.xcodec2.protocol import HOP, Waveform

FlawKind = Literal["misread", "long", "short", "gap", "length", "loop", "lost", "silence"]
_ORDER: Final = ("misread", "long", "short", "gap", "length", "loop", "lost", "silence")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A defect of a take."""

    kind: FlawKind
    message: str
    """For people."""

    @property
    def rank(self) -> int:
        """Severity; higher is worse."""
        return 1 + _ORDER.index(self.kind)


_CYCLE: Final = 150
"""Codes (3 s) that consist almost entirely of one repeated cycle."""
_PERIODS: Final = range(10, 51)
"""Codes of a cycle. Shorter ones are detected by their multiples; in a held vowel, neighbours are alike."""
_CYCLIC: Final = 0.85
"""Fraction of codes equal to those one cycle earlier: sampled cycles are not exact. For a word said five times: 0.8."""
_MONOTONE: Final = 100
"""Codes (2 s) with at most _FEWEST different ones: a held sound. Real speech has 20 or more."""
_FEWEST: Final = 8


class LoopDetector:
    """Detects a take that is stuck, while it runs."""

    def __init__(self) -> None:
        self._last = np.zeros(0, np.int32)

    def push(self, codes: Codes) -> bool:
        """Takes the next codes; returns whether the take repeats itself."""
        self._last = np.concatenate([self._last, codes])[-_CYCLE:]
        if len(self._last) >= _MONOTONE and len(np.unique(self._last[-_MONOTONE:])) <= _FEWEST:
            return True
        if len(self._last) < _CYCLE:
            return False
        return any(np.mean(self._last[n:] == self._last[:-n]) >= _CYCLIC for n in _PERIODS)


LONGEST_GAP: Final = 2.0
"""Seconds of silence within a take: no reader rests so long."""
_LEAST_SPOKEN: Final = 0.1
_SHORTEST: Final = 0.6
_LONGEST: Final = 1.7
"""Factor of the expected duration: half the text missing is below, twice the text above. Voices vary less in pace."""
_GRACE: Final = 0.3 * CODES_A_SECOND
"""Codes by which any take may be longer: a single word is drawn out. Twice a text of 1 s or more exceeds it."""


def check_silence(wav: Waveform) -> Flaw | None:
    """Checks the sound of a trimmed take: it must not be silent, or have a gap."""
    quiet = frame_levels(wav) <= QUIET
    if (len(quiet) - quiet.sum()) * HOP / 16_000 < _LEAST_SPOKEN:
        return Flaw("silence", "nothing is said")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    gap = float(max(edges[1::2] - edges[::2], default=0)) / CODES_A_SECOND
    return Flaw("gap", f"it is silent for {gap:.1f} s in between") if gap > LONGEST_GAP else None


def check_duration(spoken: int, expected: float) -> Flaw | None:
    """Checks the duration of a take.

    Args:
        spoken: Codes of the trimmed take.
        expected: Codes that its text should take.
    """
    said = f"it lasts {spoken / CODES_A_SECOND:.1f} s where {expected / CODES_A_SECOND:.1f} s were expected"
    if spoken < _SHORTEST * expected:
        return Flaw("short", f"{said}: words are missing")
    if spoken > _LONGEST * expected + _GRACE:
        return Flaw("long", f"{said}: words are repeated or drawn out")
    return None
