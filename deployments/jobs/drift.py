"""Compares the parts of a voice: pace, pitch and timbre with its first parts, and levels with each other."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from deployments.audio.prosody import Prosody
from deployments.jobs.speaker import PartOrder
from deployments.synthesis.pace import CODES_A_SECOND, Pace

MOST: Final = 3
"""Takes of a part."""
_FIRST: Final = 12
"""Parts of a voice that the others are compared with: the first that are long enough."""
_LONG: Final = 3.0
"""Expected seconds from which a part is long enough."""
SEARCHED: Final = 100
"""Parts among which the first long ones are looked for."""
_LEAST: Final = 5
"""Parts with fewer of which nothing is compared."""
SHORTEST: Final = 2.0
"""Seconds of sound in which a manner can be heard."""
_PACE: Final = 0.19
_PITCH: Final = 1.6
_TIMBRE: Final = 1.5
"""Bounds: of a logarithm, semitones, and dB; see docs/guides/audiobooks.md for how often good parts exceed them."""
_SPREAD: Final = 2.0
"""Bounds are at least as many times the spread of the first parts: some readers vary more."""
_MAD: Final = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""
_MOST_GAIN: Final = 10.0
"""dB."""
_PEAK: Final = -1.0
"""dB below full scale, above which no gain lifts a part."""


def measured(path: Path, order: PartOrder) -> Prosody:
    """Measures the audio of a part. Blocks."""
    from deployments.jobs.sound import read

    return Prosody.of(np.concatenate([np.zeros(0, np.float32), *read(path)]), expected(order.text, order.speed))


def first(parts: Iterable[tuple[str, float]]) -> list[int]:
    """Returns which parts the others are compared with, of the texts and speeds of the first `SEARCHED`."""
    return [n for n, (text, speed) in enumerate(parts) if expected(text, speed) >= _LONG][:_FIRST]


def retake(key: str, seed: int, number: int) -> tuple[str, int]:
    """Returns the key and the seed of a further take, by those of the first."""
    return hashlib.sha256(f"{key} take {number}".encode()).hexdigest(), (seed + number) % 2**32


def expected(text: str, speed: float) -> float:
    """Returns the seconds that a text typically takes."""
    return Pace().codes(text) / CODES_A_SECOND / speed


@dataclass(frozen=True, slots=True)
class Drift:
    """How a part differs from the first parts of its voice."""

    excess: float
    """The largest of its deviations, relative to the bound: above 1, the part has drifted."""
    reason: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a voice speaks: medians, and what may deviate from them."""

    pace: float
    pitch: float
    timbre: NDArray[np.float64]
    bounds: tuple[float, float, float]

    @classmethod
    def of(cls, first: Iterable[Prosody]) -> Self | None:
        """Returns the manner of some parts; None if too few of them can be measured."""
        parts = [(part.pace, part.pitch, part.timbre) for part in first if _audible(part)]
        if len(parts) < _LEAST:
            return None
        pace, pitch = (np.array([part[n] for part in parts], np.float64) for n in (0, 1))
        timbres = np.array([part[2] for part in parts])
        timbre = np.median(timbres, axis=0)
        spreads = _spread(pace), _spread(pitch), float(np.median(_distance(timbres, timbre)))
        bounds = zip((_PACE, _PITCH, _TIMBRE), (_SPREAD * spread for spread in spreads), strict=True)
        pace_bound, pitch_bound, timbre_bound = map(max, bounds)
        return cls(float(np.median(pace)), float(np.median(pitch)), timbre, (pace_bound, pitch_bound, timbre_bound))

    def best(self, takes: Sequence[Prosody]) -> tuple[int, Drift]:
        """Returns the index of the take that differs least, and how it differs."""
        drifts = [self.drift(take) for take in takes]
        index = min(range(len(drifts)), key=lambda n: drifts[n].excess)
        return index, drifts[index]

    def drift(self, part: Prosody) -> Drift:
        """Compares a part. One that is too short to compare has not drifted."""
        if not _audible(part) or part.pitch is None:
            return Drift(0.0, "")
        pace, pitch = part.pace - self.pace, part.pitch - self.pitch
        timbre = float(_distance(np.array(part.timbre), self.timbre))
        reasons = (
            f"it takes {math.exp(pace):.2f} times as long",
            f"it is {abs(pitch):.1f} semitones {'higher' if pitch > 0 else 'lower'}",
            f"its timbre differs by {timbre:.1f} dB",
        )
        excesses = [abs(found) / bound for found, bound in zip((pace, pitch, timbre), self.bounds, strict=True)]
        worst = max(range(3), key=excesses.__getitem__)
        return Drift(excesses[worst], reasons[worst])


def gain(part: Prosody | None, levels: Sequence[float]) -> float:
    """Returns the dB that bring a part to the median of some levels, without clipping it; 0 if it is not measured."""
    if part is None or not levels or not part.sound:
        return 0.0
    wanted = float(np.median(levels)) - part.level
    return max(min(wanted, _MOST_GAIN, max(_PEAK - part.peak, 0.0)), -_MOST_GAIN)


def _audible(part: Prosody) -> bool:
    return part.sound >= SHORTEST and part.pitch is not None


def _spread(values: NDArray[np.float64]) -> float:
    return float(_MAD * np.median(np.abs(values - np.median(values))))


def _distance(timbres: NDArray[np.float64], timbre: NDArray[np.float64]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.sqrt(np.square(timbres - timbre).mean(axis=-1))
    return distance
