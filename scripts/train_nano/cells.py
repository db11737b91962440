"""256 kinds of frame: how far each sound has gone. Laid out on the codec's grid so that neighbours sound alike.

A code's frame is not one spectrum: the decoder sees seven codes, so it knows which sounds lie around, and speaks the
frame as it sounds between those.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from .frames import Floats
from .phones import CONSONANTS, EDGE, PHONES, VOICELESS

CELLS: Final = 256
LEVELS: Final = (4, 4, 4, 4)
_CONSONANTS: Final = frozenset(CONSONANTS.values())
_BESIDE: Final = 2
"""Frames of a pause that are told apart for standing next to speech."""
PAUSED, LEFT, AWAITED = range(3)
"""Kinds of a pause: amid it, speech has just ended, speech is about to begin."""


def character(cell: int) -> str:
    """How a text that has become cells is written: far from any letter that a sound or a caller has."""
    return chr(0x4E00 + cell)


def stages(phone: str) -> int:
    """How many cells a sound has, one after the other."""
    return 5 if phone == EDGE or phone not in _CONSONANTS else 4


NAMES: Final = [(phone, stage) for phone in EDGE + PHONES for stage in range(stages(phone))]
"""What each cell is, before they are laid out."""


@dataclass(frozen=True)
class Cells:
    centres: Floats
    """[256, 21], in the scale of `frames.features`, by cell."""
    places: npt.NDArray[np.int64]
    """[256]: the cell of each of NAMES."""

    @property
    def silence(self) -> int:
        return int(self.places[PAUSED])

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        """[256], by cell."""
        found = np.zeros(CELLS, bool)
        found[self.places] = [phone != EDGE and phone not in VOICELESS for phone, _ in NAMES]
        return found

    @property
    def stages(self) -> npt.NDArray[np.int64]:
        """[256]: how far its sound has gone, by cell."""
        found = np.empty(CELLS, np.int64)
        found[self.places] = [stage for _, stage in NAMES]
        return found

    def of(self, phone: str, first: float, last: float, count: int) -> list[int]:
        """Cells of a stretch of a sound, in as many frames.

        Args:
            phone: The sound.
            first: How far it has gone where the stretch begins, of 1.
            last: Where it ends.
            count: Frames.
        """
        begin, number = _FIRST[phone], stages(phone)
        gone = first + (np.arange(count) + 0.5) / max(1, count) * (last - first)
        return [int(self.places[begin + int(s)]) for s in (gone * number).clip(0, number - 1)]

    def pause(self, count: int, after: bool = True, before: bool = True) -> list[int]:
        """Of silence; `after` speech, and `before` more of it."""
        kinds = np.zeros(count, np.int64)
        if before:
            kinds[-_BESIDE:] = AWAITED
        if after:
            kinds[:_BESIDE] = LEFT
        return [int(self.places[kind]) for kind in kinds]

    def quiet(self) -> npt.NDArray[np.bool_]:
        """[256]: which cells are silence."""
        found = np.zeros(CELLS, bool)
        found[self.places[: stages(EDGE)]] = True
        return found

    def save(self, path: Path) -> None:
        np.savez(path, centres=self.centres, places=self.places)

    @staticmethod
    def load(path: Path) -> "Cells":
        with np.load(path) as file:
            return Cells(file["centres"], file["places"])


_FIRST: Final = {phone: i for i, (phone, stage) in enumerate(NAMES) if stage == 0}


def fit(features: Floats, names: npt.NDArray[np.int64]) -> Cells:
    """Lays the cells out by what they sound like on average.

    Args:
        features: [frames, 21].
        names: Which of NAMES each frame is.
    """
    frames, kinds = torch.from_numpy(features), torch.from_numpy(names)
    count = torch.bincount(kinds, minlength=CELLS).float()
    means = torch.zeros(CELLS, features.shape[1]).index_add_(0, kinds, frames) / count.clamp(min=1)[:, None]
    never = (count == 0).nonzero()[:, 0]
    for i in never:
        phone, stage = NAMES[int(i)]
        begin = _FIRST[phone]
        seen = [j for j in range(begin, begin + stages(phone)) if count[j] > 0] or [0]
        means[i] = means[min(seen, key=lambda j: abs(j - begin - stage))]
    order = _grid(means)
    places = np.empty(CELLS, np.int64)
    places[order] = np.arange(CELLS)
    return Cells(means[order].numpy(), places)


def _grid(centres: torch.Tensor) -> list[int]:
    """What stands at every place of the grid: quarters along the first principal axis, of those along the second…"""
    centred = centres - centres.mean(0)
    along = centred @ torch.linalg.svd(centred, full_matrices=False)[2].T
    order: list[int] = [0] * CELLS

    def place(ids: list[int], axis: int, at: int) -> None:
        if axis == len(LEVELS):
            order[at] = ids[0]
            return
        ids = sorted(ids, key=lambda i: float(along[i, axis]))
        quarter = len(ids) // LEVELS[axis]
        for level in range(LEVELS[axis]):
            place(ids[level * quarter : (level + 1) * quarter], axis + 1, at + level * 4**axis)

    place(list(range(CELLS)), 0, 0)
    return order
