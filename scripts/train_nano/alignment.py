"""Where in a natural clip each cell of its text is: a walk through the cells, frame by frame."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .cells import Cells
from .espeak import Audio
from .frames import _DCT, _FFT, _FILTERS, Floats, grid, power

Ints = npt.NDArray[np.int64]
_STEPS: Final = (0.3, 0.0, 0.25, 0.7, 1.2)
"""The price of standing still and of going on by one cell, two, three or four."""
_FAR: Final = 1e9
WARPS: Final = np.geomspace(0.86, 1.34, 13)
"""Formant scales that a speaker may have against the plain voice."""


def cepstra(spectra: Floats, warp: float = 1.0) -> Floats:
    """[frames, 20] as `frames.features` has them, of the spectrum as a plain throat would have made it."""
    if warp != 1.0:
        at = (np.arange(_FFT // 2 + 1) * warp).clip(0, _FFT // 2 - 1)
        low = at.astype(int)
        spectra = spectra[:, low] * (1 - (at - low)) + spectra[:, low + 1] * (at - low)
    found = np.log(spectra @ _FILTERS + 1e-4) @ _DCT
    found[:, 0] *= 0.45 / np.sqrt(2)
    found[:, 12:] *= 0.6
    return np.asarray(found, np.float32)


def _levelled(vectors: Floats, loud: npt.NDArray[np.bool_]) -> Floats:
    """Without the mean and the spread of the loud frames: two recordings of the same are then alike."""
    return np.asarray((vectors - vectors[loud].mean(0)) / (vectors[loud].std(0) + 0.3), np.float32)


def walk(costs: Floats, optional: npt.NDArray[np.bool_]) -> Ints:
    """The cheapest way from the first state to the last.

    Args:
        costs: [frames, states].
        optional: States that may be passed over in any number, such as a pause that nobody makes.
    """
    frames, states = costs.shape
    skip = np.zeros(states, np.int64)  # how many optional states end just before each state
    for i in range(1, states):
        skip[i] = skip[i - 1] + 1 if optional[i - 1] else 0
    where = np.arange(states)
    cost = np.full(states, _FAR)
    first = int(np.flatnonzero(~optional)[0])
    cost[: first + 3] = costs[0, : first + 3]
    back = np.zeros((frames, states), np.int32)
    over = where - skip - 1
    leaps = (skip > 0) & (over >= 0)
    for t in range(1, frames):
        ways = np.full((len(_STEPS) + 1, states), _FAR)
        for step, price in enumerate(_STEPS):
            ways[step, step:] = cost[: states - step] + price
        ways[-1, leaps] = cost[over[leaps]] + 0.3
        best = ways.argmin(0)
        back[t] = np.where(best == len(_STEPS), over, where - best)
        cost = ways[best, where] + costs[t]
    last = int(np.flatnonzero(~optional)[-1])
    ends = np.full(states, _FAR)
    ends[last - 2 :] = cost[last - 2 :]
    at = int(ends.argmin())
    path = [at]
    for t in range(frames - 1, 0, -1):
        at = int(back[t, at])
        path.append(at)
    return np.array(path[::-1])


@dataclass(frozen=True)
class Aligned:
    path: Ints
    """For every frame which of the text's cells it is."""
    cost: float
    """Mean over the frames, of how unlike they are."""


def align(audio: Audio, said: list[int], cells: Cells, warp: float = 1.0) -> Aligned:
    """By spectra alone, for the first time."""
    spectra = power(audio, grid(audio))
    heard = cepstra(spectra, warp)
    loudness = np.log(spectra.sum(1) + 1e-6)
    loud = loudness > np.percentile(loudness, 95) - 7
    kinds = np.array(said)
    quiet = cells.quiet()[kinds]
    ours = cells.centres[kinds, :20]
    a, b = _levelled(heard, loud), _levelled(ours, ~quiet)
    weights = np.linspace(1.2, 0.5, 20)
    costs = (((a[:, None] - b[None]) ** 2) * weights).mean(-1)
    costs[:, quiet] = np.where(loud, 3.0, 0.05)[:, None]
    costs[:, ~quiet] += np.where(loud, 0.0, 0.4)[:, None]
    path = walk(np.asarray(costs, np.float32), quiet)
    return Aligned(path, float(costs[np.arange(len(path)), path].mean()))


def realign(posterior: Tensor, said: list[int], quiet: npt.NDArray[np.bool_]) -> Aligned:
    """By what an encoder in training names: [frames, 256] log probabilities."""
    kinds = torch.tensor(said)
    costs: Any = (-0.5 * posterior[:, kinds]).clamp(max=4.0).numpy()
    path = walk(np.asarray(costs, np.float32), quiet[np.array(said)])
    return Aligned(path, float(costs[np.arange(len(path)), path].mean()))


def throat(audio: Audio, said: list[int], path: Ints, cells: Cells) -> Floats:
    """How unlike the aligned frames are for each of WARPS."""
    spectra = power(audio, grid(audio))
    kinds = np.array(said)[path]
    voiced = cells.voiced[kinds]
    if voiced.sum() < 10:
        return np.zeros(len(WARPS), np.float32)
    ours = cells.centres[kinds][voiced, 1:14]
    found = []
    for warp in WARPS:
        heard = cepstra(spectra[voiced], float(warp))[:, 1:14]
        # a recording has a colour of its own, but most of a throat's is in the mean: half of it stays
        apart = (heard - 0.5 * heard.mean(0)) - (ours - 0.5 * ours.mean(0))
        found.append(float((apart**2).mean()))
    return np.array(found, np.float32)
