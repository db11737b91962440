"""Measures how a recording sounds: its level, pitch and timbre."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deployments.audio.loudness import frame_levels
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

_WINDOW: Final = 1024
"""Samples (64 ms): three periods of the lowest pitch."""
_FFT: Final = 2 * _WINDOW
_LOWEST: Final = 60.0
_HIGHEST: Final = 450.0
"""Hz of a voice's pitch."""
_VOICED: Final = 0.5
"""Correlation of a frame with itself a period later from which it counts as voiced."""
_OCTAVE: Final = 0.9
"""Of lags whose correlation is nearly the highest, the shortest is the period: its multiples correlate, too."""
_BANDS: Final = 24
_LOUD: Final = 0.05
"""Fraction of the loudest frames' level (-26 dB) below which a frame is silent: so that a gain changes nothing else."""
_FEWEST: Final = 25
"""Voiced frames (0.5 s) without which there is no pitch and no spectrum."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a recording sounds."""

    level: float
    """dB below full scale (RMS) of its sound, without silences."""
    peak: float
    """dB below full scale."""
    sound: float
    """Seconds without silences."""
    pace: float
    """Natural logarithm of `sound` against the seconds that its text typically takes; 0 without sound."""
    pitch: float | None = None
    """Semitones above 100 Hz: the mean of the middle half. None: hardly anything is voiced."""
    timbre: tuple[float, ...] = ()
    """dB between each band and the next of the mean spectrum of what is voiced; empty: as for pitch."""

    @classmethod
    def of(cls, wav: Waveform, expected: float) -> "Prosody":
        """Measures a recording. Blocks: an hour takes 10 s.

        Args:
            wav: [samples] mono at 16 kHz.
            expected: Seconds that its text typically takes.
        """
        levels = frame_levels(wav)
        loud = np.flatnonzero(levels > _LOUD * np.percentile(levels, 95)) if len(levels) else np.zeros(0, np.intp)
        level = float(np.sqrt(np.square(levels[loud]).mean())) if len(loud) else 0.0
        peak, sound = float(np.abs(wav).max(initial=0.0)), len(loud) * HOP / SAMPLE_RATE
        pace = round(math.log(sound / expected), 4) if sound and expected else 0.0
        spectra = _spectra(wav, loud)
        pitches = _pitches(spectra)
        voiced = pitches > 0
        if voiced.sum() < _FEWEST:
            return cls(_db(level), _db(peak), sound, pace)
        semitones = np.sort(12 * np.log2(pitches[voiced] / 100))
        middle = semitones[len(semitones) // 4 : len(semitones) - len(semitones) // 4]
        bands = 10 * np.log10(spectra[voiced] @ _filters() + 1e-9).mean(axis=0)
        # Neighbours: how bright a text is spoken changes all bands, and matters less than the places of formants.
        timbre = tuple(round(float(step), 2) for step in np.diff(bands))
        return cls(_db(level), _db(peak), sound, pace, round(float(middle.mean()), 3), timbre)


def _db(level: float) -> float:
    return round(20 * float(np.log10(max(level, 2**-15))), 3)


def _spectra(wav: Waveform, frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """Returns [frames, FFT / 2 + 1] powers around the middles of some frames."""
    padded = np.pad(wav, _WINDOW // 2)
    starts = frames * HOP + HOP // 2
    pieces = padded[starts[:, None] + np.arange(_WINDOW)]
    return np.square(np.abs(np.fft.rfft(pieces * np.hanning(_WINDOW), _FFT)))


def _pitches(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """[frames, bins] powers -> [frames] Hz, 0 where a frame is not voiced."""
    own = np.fft.irfft(np.square(np.abs(np.fft.rfft(np.hanning(_WINDOW), _FFT))))[:_WINDOW]
    correlations = np.fft.irfft(spectra)[:, :_WINDOW]
    # Divided by the window's own, so that long periods do not count less (Boersma 1993).
    correlations = correlations / (correlations[:, :1] + 1e-9) / np.maximum(own / own[0], 0.1)
    first, last = round(SAMPLE_RATE / _HIGHEST), round(SAMPLE_RATE / _LOWEST)
    inner = correlations[:, first : last + 1]
    peaks = (inner > correlations[:, first - 1 : last]) & (inner >= correlations[:, first + 1 : last + 2])
    heights = np.where(peaks, inner, 0.0)
    best = heights.max(axis=1, initial=0.0)
    lag = first + (heights >= _OCTAVE * best[:, None]).argmax(axis=1)
    rows = np.arange(len(lag))
    left, top, right = (correlations[rows, lag + shift] for shift in (-1, 0, 1))
    # The top of the parabola through three lags.
    curve = left - 2 * top + right
    shift = 0.5 * (left - right) / np.where(curve < 0, curve, -1.0)
    return np.where(best > _VOICED, SAMPLE_RATE / (lag + shift), 0.0)


@cache
def _filters() -> NDArray[np.float64]:
    """Returns [bins, bands] triangles, equally wide in mel from 100 Hz to 7 kHz."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (100.0, 7000.0))
    mel = np.linspace(low, high, _BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1)[:, None] * SAMPLE_RATE / _FFT
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(np.minimum(rise, fall), 0.0)
    weights: NDArray[np.float64] = triangles / triangles.sum(axis=0)
    return weights
