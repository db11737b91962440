"""The pitch of what is to be said: near the reference's, higher where a vowel is stressed, falling to the end."""

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .cells import CELLS, NAMES, Cells
from .phones import STRESSED
from .voices import GRID, PITCHES, THROATS, hertz, nearest_pitches, pitches_of, throats_of

_LOUD: Final = np.hanning(15)
_STRESSED: Final = frozenset(STRESSED.values())
_USUAL: Final = ((83, 150), (130, 240), (180, 267))
"""Hz that voices of each throat have."""


@dataclass(frozen=True)
class Manner:
    throat: int
    pitch: float
    """Hz."""
    accent: float
    """How much higher a stressed vowel is, in natural logarithms."""
    fall: float
    """From the beginning to the end."""
    sway: float
    """Of what nothing in the text explains: every reading has its own."""

    @staticmethod
    def any(r: random.Random, throat: int | None = None, pitch: float | None = None) -> "Manner":
        throat = r.randrange(len(THROATS)) if throat is None else throat
        pitch = r.uniform(*_USUAL[throat]) if pitch is None else pitch
        return Manner(throat, pitch, r.uniform(0.05, 0.22), r.uniform(0.05, 0.3), r.uniform(0.02, 0.1))


class Melody:
    def __init__(self, cells: Cells) -> None:
        self._stressed = np.zeros(CELLS, bool)
        self._stressed[cells.places] = [phone in _STRESSED for phone, _ in NAMES]
        self._voiced = cells.voiced

    def pitches(self, cells: list[int], manner: Manner, r: random.Random) -> npt.NDArray[np.int64]:
        """Of every code, as `voices` counts."""
        count = len(cells)
        if not count:
            return np.empty(0, np.int64)
        stress = np.convolve(self._stressed[cells], _LOUD / _LOUD.sum())[len(_LOUD) // 2 :][:count]
        time = np.arange(count) / 50
        waves = sum(r.uniform(0.5, 1) * np.sin(2 * np.pi * (r.uniform(0.4, 2.2) * time + r.random())) for _ in range(2))
        curve = manner.accent * 2 * (stress - stress.mean()) + manner.fall * (0.5 - np.arange(count) / count)
        return nearest_pitches(manner.pitch * np.exp(curve + manner.sway * np.asarray(waves)))

    def manner_of(self, codes: list[int], r: random.Random) -> Manner:
        """To go on as what was heard: its throat and its pitch; how lively, nobody hears well."""
        heard = np.array(codes)
        voices, voiced = heard // CELLS, self._voiced[heard % CELLS]
        throat = int(np.bincount(throats_of(voices)).argmax())
        pitches = pitches_of(voices)[voiced] if voiced.any() else np.array([PITCHES // 3])
        return Manner.any(r, throat, float(np.median(hertz(pitches))) + r.uniform(-0.3, 0.3) * GRID)
