"""What every code should sound like: pulses or noise through an envelope.

A frame's spectrum is that of a 40 ms piece, shaped so that the codec's own overlap-add (1280 samples, Hann) puts pieces
together with a 40 ms Hann cross-fade: sharper in time than its window.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .cells import CELLS
from .frames import BINS, HOP
from .timbres import Timbres
from .voices import GRID, LOWEST, PHASES, PITCHES, VOICES, phases_of, pitches_of, throats_of

CODES: Final = CELLS * VOICES
_N: Final = 1280
_HANN: Final = np.hanning(_N + 1)[:_N]
_LEVEL: Final = 1.0
_USUAL: Final = 190.0
"""Hz of the plain voice."""
_NOISES: Final = 15


def _crossfade() -> npt.NDArray[np.float64]:
    shape = np.zeros(_N)
    shape[_N // 2 - HOP : _N // 2 + HOP] = np.hanning(2 * HOP + 1)[: 2 * HOP]
    return np.divide(1.5 * shape, _HANN, out=np.zeros(_N), where=_HANN > 1e-6)


def _combs() -> npt.NDArray[np.complex128]:
    """[pitches, phases, 641]: pulses around the middle of a frame, far enough for what rings into it."""
    bins, found = np.arange(BINS), np.zeros((PITCHES, PHASES, BINS), complex)
    for pitch in range(PITCHES):
        f0 = (pitch + LOWEST) * GRID
        period = 16000 / f0
        for phase in range(PHASES):
            # at this phase a pulse came so long before the middle
            times = -phase / PHASES * period + period * np.arange(-12, 12)
            times = times[(times > -0.8 * _N / 2) & (times < HOP)]
            pulses = np.exp(-2j * np.pi * np.outer(times + _N // 2, bins) / _N).sum(0)
            found[pitch, phase] = pulses * period / 2 * np.sqrt(f0 / _USUAL)  # as loud at every pitch
    return found


class Vocoder:
    """Spectra of frames: harmonics and noise, in what voice."""

    def __init__(self, device: str = "cpu", timbres: Timbres | None = None) -> None:
        generator = torch.Generator().manual_seed(0)
        self._combs = torch.tensor(_combs(), dtype=torch.complex64, device=device)
        noise = torch.rand(_NOISES, BINS, generator=generator) * 2 * np.pi
        self._noises = (torch.polar(torch.ones_like(noise), noise) * _N**0.5).to(device)
        self._shape = torch.tensor(_crossfade(), dtype=torch.float32, device=device)
        fold = torch.zeros(_N, device=device)
        fold[0] = fold[_N // 2] = 1
        fold[1 : _N // 2] = 2
        self._fold = fold
        at = torch.arange(BINS, device=device)
        timbres = timbres or Timbres.load()
        self._warps = [(at / warp).clamp(max=BINS - 1.001) for warp in timbres.warps]
        self._colours = torch.tensor(timbres.colours(), dtype=torch.float32, device=device)

    def frames(
        self, harmonics: Tensor, noise: Tensor, voiced: Tensor, stages: Tensor, voices: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[n, 641] log magnitude and phase of each frame.

        Args:
            harmonics: [n, 641] log amplitude of a harmonic.
            noise: [n, 641] log deviation of white noise of that loudness.
            voiced: [n]: whether there are harmonics.
            stages: [n]: a few noises are enough, if neighbouring frames have different ones.
            voices: [n], as `voices.voice` counts.
        """
        which = voices.cpu().numpy()
        throats, phases, pitches = (
            torch.as_tensor(of(which), device=harmonics.device) for of in (throats_of, phases_of, pitches_of)
        )
        both = torch.stack([harmonics, noise])
        warped = torch.empty_like(both)
        for throat, at in enumerate(self._warps):
            rows = throats == throat
            low = at.long()
            chosen = both[:, rows]
            warped[:, rows] = chosen[..., low] * (1 - (at - low)) + chosen[..., low + 1] * (at - low)
        warped = warped + self._colours[pitches, throats]
        cepstrum = torch.fft.irfft(warped[0], _N)
        response = torch.exp(torch.fft.rfft(cepstrum * self._fold))
        combs = self._combs[pitches, phases] * voiced[:, None]
        hiss = self._noises[(stages * PHASES + phases) % _NOISES] * warped[1].exp()
        spectrum = _LEVEL * (response * combs + hiss)
        spectrum[:, 0] = 0
        piece = torch.fft.rfft(torch.fft.irfft(spectrum, _N) * self._shape)
        return (piece.abs() + 0.01).log().clamp(-5, 4.4), piece.angle()


def overlapped(log_magnitude: Tensor, phase: Tensor) -> Tensor:
    """[batch, frames, 641] each to [batch, 320 · frames] samples, as the codec's head puts frames together."""
    window = torch.tensor(_HANN, dtype=torch.float32)
    pieces = torch.fft.irfft(torch.polar(log_magnitude.exp(), phase), _N) * window
    count = pieces.shape[1]
    length = (count - 1) * HOP + _N

    def add(x: Tensor) -> Tensor:
        return torch.nn.functional.fold(x.transpose(1, 2), (1, length), (1, _N), stride=(1, HOP))[:, 0, 0]

    weight = add((window**2).expand(1, count, -1))
    edge = (_N - HOP) // 2
    return (add(pieces) / weight.clamp(min=1e-11))[:, edge:-edge]
