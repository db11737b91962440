"""One acoustic vector per 20 ms code: what the ear keeps of a frame, and its spectral envelope."""

from typing import Final

import numpy as np
import numpy.typing as npt
from transformers.audio_utils import mel_filter_bank

from .espeak import Audio

Floats = npt.NDArray[np.float32]
HOP: Final = 320
WINDOW: Final = 640
BINS: Final = 641
"""Frequency bins of the codec's head (n_fft 1280)."""
CEPSTRA: Final = 20
_FFT: Final = 1024
_MELS: Final = 48
_HANN: Final = np.hanning(WINDOW + 1)[:WINDOW]
_FILTERS: Final = np.asarray(mel_filter_bank(_FFT // 2 + 1, _MELS, 60, 8000, 16000, norm="slaney", mel_scale="slaney"))
_DCT: Final = np.sqrt(2 / _MELS) * np.cos(np.pi / _MELS * (np.arange(_MELS)[:, None] + 0.5) * np.arange(CEPSTRA))
_LIFTER: Final = 110


def power(audio: Audio, centres: npt.NDArray[np.float64]) -> Floats:
    """Power spectra of windows around the centres, which are samples."""
    padded = np.pad(audio, (WINDOW, WINDOW))
    starts = np.rint(centres).astype(int) + WINDOW // 2
    windows = np.stack([padded[s : s + WINDOW] for s in starts])
    return np.asarray(np.abs(np.fft.rfft(windows * _HANN, _FFT)) ** 2, dtype=np.float32)


def grid(audio: Audio) -> npt.NDArray[np.float64]:
    """The centres of the codes of this audio."""
    return np.asarray(np.arange(len(audio) // HOP) * HOP + HOP / 2, dtype=np.float64)


def features(spectra: Floats, voiced: npt.NDArray[np.bool_]) -> Floats:
    """[frames, 20 mel cepstra and one for voiced], scaled to what differences are worth.

    The sound decides whether a frame is voiced: espeak's hiss over a voice deceives any measure.
    """
    cepstra = np.log(spectra @ _FILTERS + 1e-4) @ _DCT
    cepstra[:, 0] *= 0.45 / np.sqrt(2)
    cepstra[:, 12:] *= 0.6
    heard = 6.0 * (voiced & (spectra.sum(1) > 0.3))
    return np.concatenate([cepstra, heard[:, None]], 1).astype(np.float32)


def envelopes(spectra: Floats) -> Floats:
    """Log power without the harmonics of the pitch, on the codec's bins."""
    cepstrum = np.fft.irfft(np.log(spectra + 1e-6))
    keep = np.zeros(_FFT)
    keep[:_LIFTER] = np.hanning(2 * _LIFTER)[_LIFTER:]
    keep[-_LIFTER + 1 :] = keep[1:_LIFTER][::-1]
    smooth = np.fft.rfft(cepstrum * keep).real
    at = np.arange(BINS) * (_FFT / 2 / (BINS - 1))
    low = np.floor(at).astype(int).clip(0, _FFT // 2 - 1)
    return np.asarray(smooth[:, low] * (1 - (at - low)) + smooth[:, low + 1] * (at - low), dtype=np.float32)
