"""What the XCodec2 room offers the others: audio to codes and back."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Hz. The codec hears and speaks no other rate."""
HOP: Final = 320
"""Samples a code: 50 codes are a second."""

Codes = NDArray[np.int32]
Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz, full scale ±1."""


class Codec(Protocol):
    """A neural codec with one codebook."""

    async def encode(self, wav: Waveform) -> Codes:
        """[samples] -> [samples // HOP] codes: the last, partly padded frame is left out."""
        ...

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        """[n] codes -> [(n - start) * HOP] samples: all codes are decoded together, those before `start` only
        as context, so that what follows a reference is spoken in its acoustics."""
        ...
