"""Loudness of each frame."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import HOP, Waveform

QUIET: Final = 0.004
"""RMS (-48 dBFS) of a frame below which it counts as silence."""


def frame_levels(wav: Waveform) -> NDArray[np.float32]:
    """[samples] -> [samples // HOP] RMS of each 20 ms."""
    frames = wav[: len(wav) // HOP * HOP].reshape(-1, HOP)
    levels: NDArray[np.float32] = np.sqrt(np.mean(frames**2, axis=1))
    return levels


def loudness(wav: Waveform) -> float:
    """Returns the RMS of the speech without its silences; 0 if there is none."""
    levels = frame_levels(wav)
    spoken = levels[levels > QUIET]
    return float(np.sqrt(np.mean(spoken**2))) if len(spoken) else 0.0


def scaled(wav: Waveform, gain: float) -> Waveform:
    """Scales the volume, but not beyond full scale."""
    peak = float(np.abs(wav).max(initial=0.0)) * gain
    return wav * np.float32(gain / max(peak, 1.0))
