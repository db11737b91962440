"""256 kinds of frame, laid out on the codec's grid (four levels each way) so that neighbours sound alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from .frames import BINS, Floats

CELLS: Final = 256
LEVELS: Final = (4, 4, 4, 4)
_SWITCH: Final = 2.5
"""What a change of cell must gain: a code string that holds still is one that an LM can learn."""


def character(cell: int) -> str:
    """How a text that has become cells is written: far from any letter that a sound or a caller has."""
    return chr(0x4E00 + cell)


@dataclass(frozen=True)
class Cells:
    centres: Floats
    """[256, 21], in the scale of `frames.features`."""
    envelopes: Floats
    """[256, 641] log power."""

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.centres[:, -1] > 3)

    @property
    def silence(self) -> int:
        return int(self.envelopes.mean(1).argmin())

    def quantise(self, features: Floats) -> list[int]:
        """The cheapest path: distance to the centres plus the price of every change."""
        distance = ((features[:, None] - self.centres[None]) ** 2).sum(-1)
        cost, back = distance[0], []
        for row in distance[1:]:
            best = int(cost.argmin())
            stay = cost <= cost[best] + _SWITCH
            back.append(np.where(stay, np.arange(CELLS), best))
            cost = np.where(stay, cost, cost[best] + _SWITCH) + row
        path = [int(cost.argmin())]
        for step in reversed(back):
            path.append(int(step[path[-1]]))
        return path[::-1]

    def save(self, path: Path) -> None:
        np.savez(path, centres=self.centres, envelopes=self.envelopes)

    @staticmethod
    def load(path: Path) -> "Cells":
        with np.load(path) as file:
            return Cells(file["centres"], file["envelopes"])


def fit(features: Floats, envelopes: Floats, seed: int = 0) -> Cells:
    """k-means, then the grid; a cell's envelope is the mean over its frames."""
    generator = torch.Generator().manual_seed(seed)
    frames = torch.from_numpy(features)
    centres = frames[torch.randperm(len(frames), generator=generator)[:CELLS]].clone()
    for _ in range(40):
        nearest = torch.cdist(frames, centres).argmin(1)
        count = torch.bincount(nearest, minlength=CELLS).float()
        centres = torch.zeros_like(centres).index_add_(0, nearest, frames) / count.clamp(min=1)[:, None]
        empty = (count < 8).nonzero()[:, 0]
        centres[empty] = frames[torch.randint(len(frames), (len(empty),), generator=generator)]
    centres = centres[_grid(centres)]
    nearest = torch.cdist(frames, centres).argmin(1)
    total = torch.zeros(CELLS, BINS).index_add_(0, nearest, torch.from_numpy(envelopes))
    count = torch.bincount(nearest, minlength=CELLS).float()
    lonely = (count == 0).nonzero()[:, 0]
    total[lonely] = torch.from_numpy(envelopes)[torch.cdist(centres[lonely], frames).argmin(1)]
    return Cells(centres.numpy(), (total / count.clamp(min=1)[:, None]).numpy())


def _grid(centres: torch.Tensor) -> list[int]:
    """Cell at every place of the grid: quarters along the first principal axis, of those quarters along the second…"""
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
