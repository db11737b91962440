"""Generates reference clips."""

import numpy as np

from deployments.audio.encoder import encoded
from deployments.xcodec2.protocol import SAMPLE_RATE


def clip(pitch: float, seconds: float) -> bytes:
    """Returns a WAV file of a buzz in syllables, different for each pitch."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 12))
    wav = 0.15 * np.asarray(buzz) * np.sin(2 * np.pi * 2 * time) ** 2
    return encoded(wav.astype(np.float32), "wav", SAMPLE_RATE)
