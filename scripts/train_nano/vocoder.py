"""What every code should sound like: pulses or noise through the envelope of its cell.

The decoder learns these tables. A frame's spectrum is that of a 40 ms piece, shaped so that the
codec's own overlap-add (1280 samples, Hann) puts pieces together with a 40 ms Hann cross-fade:
sharper in time than its window. F0 is a multiple of 50 Hz, so every frame has the same phase.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from .cells import CELLS, Cells
from .frames import BINS, HOP
from .voices import CODE_VOICES, CodeVoice

CODES: Final = CELLS * len(CODE_VOICES)
_N: Final = 1280
_HANN: Final = np.hanning(_N + 1)[:_N]
_LEVEL: Final = 1.5
"""What brings speech to a fifteenth of full scale on average."""


def _crossfade() -> npt.NDArray[np.float64]:
    shape = np.zeros(_N)
    shape[_N // 2 - HOP : _N // 2 + HOP] = np.hanning(2 * HOP + 1)[: 2 * HOP]
    return np.divide(1.5 * shape, _HANN, out=np.zeros(_N), where=_HANN > 1e-6)


def _minimum_phase(log_magnitude: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    cepstrum = np.fft.irfft(log_magnitude, _N)
    fold = np.zeros(_N)
    fold[0] = fold[_N // 2] = 1
    fold[1 : _N // 2] = 2
    return np.asarray(np.exp(np.fft.rfft(cepstrum * fold)))


def _frame(cell: int, envelope: npt.NDArray[np.float64], voiced: bool, voice: CodeVoice) -> npt.NDArray[np.complex128]:
    warped = np.interp(np.arange(BINS) / voice.warp, np.arange(BINS), envelope)
    response = _LEVEL * _minimum_phase(warped / 2 - np.log(np.sqrt(240.0)))
    spectrum = np.zeros(BINS, complex)
    if voiced:
        stride = voice.f0 * _N // 16000
        spectrum[::stride] = response[::stride] * _N / np.sqrt(16000 / voice.f0)
    else:
        phases = np.random.default_rng(cell).uniform(0, 2 * np.pi, BINS)
        spectrum = response * np.sqrt(_N) * np.exp(1j * phases)
    spectrum[0] = 0
    piece = np.roll(np.fft.irfft(spectrum, _N), _N // 2)
    return np.asarray(np.fft.rfft(piece * _crossfade()))


@dataclass(frozen=True)
class Vocoder:
    log_magnitude: torch.Tensor
    """[3072, 641]"""
    phase: torch.Tensor

    @staticmethod
    def design(cells: Cells) -> "Vocoder":
        frames = np.stack(
            [
                _frame(cell, cells.envelopes[cell].astype(float), bool(cells.voiced[cell]), voice)
                for voice in CODE_VOICES
                for cell in range(CELLS)
            ]
        )
        magnitude = np.log(np.abs(frames) + 0.01).clip(-5, 4.4)
        return Vocoder(
            torch.tensor(magnitude, dtype=torch.float32), torch.tensor(np.angle(frames), dtype=torch.float32)
        )

    def speak(self, codes: torch.Tensor) -> torch.Tensor:
        """[batch, frames] codes to [batch, 320 · frames] samples, as the codec's head puts frames together."""
        window = torch.tensor(_HANN, dtype=torch.float32)
        pieces = torch.fft.irfft(torch.polar(self.log_magnitude[codes].exp(), self.phase[codes]), _N) * window
        count = codes.shape[1]
        length = (count - 1) * HOP + _N

        def add(x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.fold(x.transpose(1, 2), (1, length), (1, _N), stride=(1, HOP))[:, 0, 0]

        weight = add((window**2).expand(1, count, -1))
        edge = (_N - HOP) // 2
        return (add(pieces) / weight.clamp(min=1e-11))[:, edge:-edge]
