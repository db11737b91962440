"""What rooms, microphones and other people do to a recording."""

from typing import Final

import numpy as np
import soxr

from .espeak import Audio

RATE: Final = 16_000
SLOWEST, FASTEST = 0.86, 1.18


def replayed(audio: Audio, speed: float) -> Audio:
    """At another speed, as of a tape: pitch and throat go with it."""
    return np.asarray(soxr.resample(audio, RATE * speed, RATE, quality="LQ"), np.float32)


def recorded(audio: Audio, r: np.random.Generator, other: Audio | None = None) -> Audio:
    """The same in a room, through a microphone, amid noise; now and then it is left as it is.

    Args:
        audio: [samples].
        r: Decides.
        other: What somebody else says at the same time, quietly.
    """
    count = len(audio)
    if r.random() < 0.7:
        spectrum = np.fft.rfft(audio, 2 * count)
        if r.random() < 0.4:
            spectrum = spectrum * np.fft.rfft(_room(r), 2 * count)
        if r.random() < 0.7:
            spectrum = spectrum * _microphone(len(spectrum), r)
        audio = np.fft.irfft(spectrum)[:count].astype(np.float32)
    level = float(np.sqrt((audio**2).mean())) + 1e-6
    if other is not None and len(other) >= count:
        mean = float(np.sqrt((other[:count] ** 2).mean())) + 1e-6
        audio = audio + other[:count] * (level / mean * 10 ** r.uniform(-2.0, -0.8))
    noise = r.standard_normal(count)
    if r.random() < 0.5:  # most noise is low
        noise = np.cumsum(noise - np.mean(noise))
        noise -= np.convolve(noise, np.ones(200) / 200, "same")
    noise *= level / (np.sqrt((noise**2).mean()) + 1e-9) * 10 ** r.uniform(-2.6, -0.45)
    noisy = (audio + noise) * (0.06 / level) * 10 ** r.uniform(-0.8, 0.6)
    return np.asarray(noisy.clip(-1, 1), np.float32)


def _room(r: np.random.Generator) -> Audio:
    """The sound itself, and its echoes, softer and softer."""
    seconds = r.uniform(0.08, 0.6)
    count = int(seconds * RATE)
    tail = r.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail[: int(0.002 * RATE)] = 0
    tail *= 10 ** r.uniform(-1.0, -0.05) / np.sqrt((tail**2).sum())
    tail[0] = 1
    return np.asarray(tail, np.float32)


def _microphone(bins: int, r: np.random.Generator) -> Audio:
    """A smooth curve over the frequencies, and now and then only those that a telephone has."""
    at = np.linspace(0, RATE / 2, bins)
    knots = np.array([0, 150, 400, 900, 1800, 3200, 5000, 8000])
    gains = np.interp(at, knots, r.uniform(-7, 7, len(knots)))
    if r.random() < 0.15:
        gains += np.interp(at, [0, 200, 320, 3300, 3900, 8000], [-40, -25, 0, 0, -40, -60])
    elif r.random() < 0.3:
        cut = r.uniform(3800, 7500)
        gains += np.interp(at, [0, cut, cut + 600, 8000], [0, 0, -35, -50])
    return np.asarray(10 ** (gains / 20), np.float32)
