"""The pitch of every frame of a clip."""

from typing import Final

import numpy as np
import numpy.typing as npt

from .espeak import Audio
from .frames import HOP, Floats

_SIZE: Final = 1024
LOW, HIGH = 60.0, 420.0
_GRID: Final = np.geomspace(LOW, HIGH, 120)
_JUMP: Final = 0.06
"""The price of a move by one step of the grid."""
_VOICED: Final = 0.45
"""How alike a frame must be to itself a period later."""


def track(audio: Audio) -> Floats:
    """Hz for every 20 ms, 0 where nothing has a pitch. Among pitches a jump by an octave is dear."""
    count = len(audio) // HOP
    padded = np.pad(audio, (_SIZE // 2, _SIZE))
    at = np.arange(count) * HOP + HOP // 2
    window = np.hanning(_SIZE)
    pieces = np.stack([padded[i : i + _SIZE] for i in at]) * window
    loud = np.sqrt((pieces**2).mean(1))
    spectrum = np.fft.rfft(pieces, 4 * _SIZE)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 4 * _SIZE)) ** 2)[:_SIZE]
    auto = np.fft.irfft(np.abs(spectrum) ** 2)[:, :_SIZE]
    auto = auto / (auto[:, :1] + 1e-9) / (own / own[0] + 1e-2)
    lags = 16000 / _GRID
    low = lags.astype(int)
    alike = auto[:, low] * (1 - (lags - low)) + auto[:, low + 1] * (lags - low)
    scores = alike + 0.04 * np.linspace(0, 1, len(_GRID))  # of a pitch and half of it, the higher
    steps = np.abs(np.arange(len(_GRID))[:, None] - np.arange(len(_GRID))[None]) * _JUMP
    best, back = scores[0], np.zeros((count, len(_GRID)), np.int32)
    for t in range(1, count):
        ways = best[:, None] - steps.clip(max=1.0)
        back[t] = ways.argmax(0)
        best = ways[back[t], np.arange(len(_GRID))] + scores[t]
    path = np.zeros(count, np.int64)
    path[-1] = int(best.argmax())
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    voiced: npt.NDArray[np.bool_] = (alike[np.arange(count), path] > _VOICED) & (loud > 0.05 * np.percentile(loud, 95))
    return np.asarray(np.where(voiced, _GRID[path], 0.0), np.float32)


def median(pitches: Floats) -> float:
    """Hz of the frames that have one, nan where there are too few."""
    heard = pitches[pitches > 0]
    return float(np.median(heard)) if len(heard) > 3 else float("nan")
