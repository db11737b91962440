"""What the plain voice becomes at every pitch, in every throat: its formants moved, and a colour over them.

Nobody knows a voice by its formants alone. Natural voices that are heard at the same pitch and in the same throat have
a long-term spectrum in common; `timbres.json` has the mean of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from transformers.audio_utils import mel_filter_bank

from .espeak import Audio
from .frames import BINS, HOP
from .voices import PITCHES

FILE: Final = Path(__file__).with_name("timbres.json")
CEPSTRA: Final = 15
_COUNT: Final = 32
_BANDS: Final = np.asarray(mel_filter_bank(BINS, _COUNT, 0, 8000, 16000, mel_scale="slaney"))
_CENTRES: Final = np.arange(BINS) @ _BANDS / _BANDS.sum(0)
_DCT: Final = np.sqrt(2 / _COUNT) * np.cos(np.pi / _COUNT * np.outer(np.arange(_COUNT) + 0.5, np.arange(CEPSTRA + 1)))
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timbres:
    warps: Floats
    """[throats]: how far the formants are moved; a shorter throat is above 1."""
    cepstra: Floats
    """[pitches, throats, CEPSTRA] of the log amplitude to add, from the second: the first is the loudness."""

    @staticmethod
    def load(path: Path = FILE) -> "Timbres":
        found = json.loads(path.read_text())
        return Timbres(np.array(found["warps"]), np.array(found["cepstra"]).reshape(PITCHES, len(found["warps"]), -1))

    def save(self, path: Path = FILE) -> None:
        rows = ",\n  ".join(json.dumps(row) for row in self.cepstra.round(2).reshape(-1, CEPSTRA).tolist())
        path.write_text(f'{{\n "warps": {self.warps.round(3).tolist()},\n "cepstra": [\n  {rows}\n ]\n}}\n')

    def colours(self) -> Floats:
        """[pitches, throats, 641]: log amplitude."""
        bands, at = self.cepstra @ _DCT[:, 1:].T, np.arange(BINS)
        return np.apply_along_axis(lambda row: np.interp(at, _CENTRES, row), -1, bands)


def long_term(audio: Audio) -> Floats:
    """[CEPSTRA]: of the mean log amplitude of what is loud enough."""
    size = 4 * HOP
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(audio, size // 2), size)[::HOP] * np.hanning(size)
    power = np.abs(np.fft.rfft(pieces)) ** 2
    whole = power.sum(1)
    loud = power[whole > np.percentile(whole, 95) * 10**-2.5]
    return np.asarray(np.log(loud @ _BANDS + 1e-4).mean(0) / 2 @ _DCT[:, 1:])
