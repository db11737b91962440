"""Measures the loudness of speech as ITU-R BS.1770-5 and EBU R 128 define it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_HOP: Final = SAMPLE_RATE // 10
"""Gating blocks last 400 ms and begin every 100 ms."""
_BLOCK_HOPS: Final = 4
_ABSOLUTE: Final = -70.0
"""LUFS below which a block does not count."""
_RELATIVE: Final = -10.0
"""LU below the mean, below which a block does not count."""
_TAPS: Final = 4096
"""Samples of the K-weighting's impulse response: after 0.25 s it has fallen by more than 200 dB."""
_FFT: Final = 32_768
_OVERSAMPLING: Final = 4
_ANALOGUE: Final = (
    (1681.974450955533, 0.7071752369554196, 3.999843853973347),
    (38.13547087602444, 0.5003270373238773, None),
)
"""Frequency in Hz, quality and gain in dB of the shelf and the high-pass."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a recording is. Without sound, its levels are those of the smallest step of 16 bits."""

    integrated: float
    """LUFS."""
    true_peak: float
    """dBTP."""
    rms: float
    """dB below full scale, silences included, as ACX measures it."""

    @classmethod
    def of(cls, pieces: Iterable[Waveform]) -> Self:
        """Measures [samples] mono at 16 kHz. Blocks. An hour takes 0.3 MB of memory."""
        from soxr import ResampleStream

        weighting = _weighting()
        oversampler = ResampleStream(SAMPLE_RATE, _OVERSAMPLING * SAMPLE_RATE, 1, dtype="float32", quality="MQ")
        rest, tail = np.zeros(0, np.float32), np.zeros(_TAPS - 1, np.float32)
        hops: list[NDArray[np.float64]] = []
        peak, squares, count = 0.0, 0.0, 0
        for piece in pieces:
            over = oversampler.resample_chunk(np.ascontiguousarray(piece, np.float32))
            peak = max(peak, float(np.abs(over).max(initial=0.0)), float(np.abs(piece).max(initial=0.0)))
            squares += float(np.square(piece, dtype=np.float64).sum())
            count += len(piece)
            rest = np.concatenate([rest, piece])
            if whole := len(rest) // _HOP * _HOP:
                weighted = _filtered(np.concatenate([tail, rest[:whole]]), weighting)
                hops.append(np.square(weighted.reshape(-1, _HOP)).mean(axis=1))
                tail = np.concatenate([tail, rest[:whole]])[-len(tail) :]
                rest = rest[whole:]
        over = oversampler.resample_chunk(np.zeros(0, np.float32), last=True)
        peak = max(peak, float(np.abs(over).max(initial=0.0)))
        return cls(_gated(np.concatenate(hops or [np.zeros(0)])), _db(peak), _db(math.sqrt(squares / max(count, 1))))


def _gated(hops: NDArray[np.float64]) -> float:
    """[hops] mean squares of 100 ms -> LUFS."""
    if not len(hops):
        return _ABSOLUTE
    # A recording shorter than a block is one block.
    width = min(_BLOCK_HOPS, len(hops))
    blocks = np.convolve(hops, np.full(width, 1 / width), "valid")
    for gate in (_ABSOLUTE, None):
        if not len(blocks):
            return _ABSOLUTE
        limit = _lufs(float(blocks.mean())) + _RELATIVE if gate is None else gate
        blocks = blocks[blocks > 10 ** ((limit + 0.691) / 10)]
    return _lufs(float(blocks.mean())) if len(blocks) else _ABSOLUTE


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(max(power, 1e-12))


def _db(level: float) -> float:
    return 20 * math.log10(max(level, 2**-15))


def _weighting() -> NDArray[np.complex128]:
    """Returns the spectrum of the K-weighting: the head's shelf and a high-pass, each a biquad.

    BS.1770 has coefficients for 48 kHz only. These are of the analogue filters that they were made from, as in
    libebur128 and pyloudnorm.
    """
    wav = np.zeros(_TAPS)
    wav[0] = 1
    for frequency, quality, gain in _ANALOGUE:
        k = math.tan(math.pi * frequency / SAMPLE_RATE)
        norm = 1 + k / quality + k * k
        feedback = (2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm)
        if gain is None:
            forward = (1.0, -2.0, 1.0)
        else:
            high = 10 ** (gain / 20)
            middle = high**0.4996667741545416
            forward = (
                (high + middle * k / quality + k * k) / norm,
                2 * (k * k - high) / norm,
                (high - middle * k / quality + k * k) / norm,
            )
        wav = _biquad(wav, forward, feedback)
    return np.fft.rfft(wav, _FFT)


def _biquad(
    wav: NDArray[np.float64], forward: tuple[float, float, float], feedback: tuple[float, float]
) -> NDArray[np.float64]:
    filtered = np.convolve(wav, forward)[: len(wav)]
    one = two = 0.0
    for at, value in enumerate(filtered.tolist()):
        one, two = value - feedback[0] * one - feedback[1] * two, one
        filtered[at] = one
    return filtered


def _filtered(wav: Waveform, spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Filters [TAPS - 1 + n] samples, of which the first have been filtered before, to [n] by overlap-save."""
    step = _FFT - _TAPS + 1
    parts = []
    for at in range(0, len(wav) - _TAPS + 1, step):
        block = np.fft.irfft(np.fft.rfft(wav[at : at + _FFT], _FFT) * spectrum)
        parts.append(block[_TAPS - 1 : min(_FFT, len(wav) - at)])
    return np.concatenate(parts)
