"""XCodec2's interface for the other packages: audio to codes and back."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Hz. The codec supports no other rate."""
HOP: Final = 320
"""Samples per code: 50 codes are a second."""

Codes = NDArray[np.int32]
Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz, full scale ±1."""


class Codec(Protocol):
    """A neural codec with one codebook."""

    async def encode(self, wav: Waveform) -> Codes:
        """[samples] -> [samples // HOP] codes: drops the last, partly padded frame."""
        ...

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        """[n] codes -> [(n - start) * HOP] samples: decodes all codes together, those before `start` only as context,
        so that the speech has the acoustics of its reference."""
        ...
