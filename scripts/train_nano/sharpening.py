"""Spectra as lively as those that the decoder learnt from: regression alone gives the mean of what may come.

Known from statistical synthesis as a post-filter by global variance (Toda and Tokuda, 2007). It is linear in the
cepstrum, and magnitudes are linear in the head's weights: so it costs nothing when the codec speaks.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from .frames import BINS

_N: Final = 2 * (BINS - 1)
_HIGHEST: Final = 60
"""Cepstra from here on are of the pitch, which is left alone: the period of 267 Hz is 60 samples."""
_POWER: Final = 1.8
"""Of the ratio. With 1, magnitudes vary as much as the plain voice's; more is clearer yet, and more like the person."""


@torch.no_grad()
def sharpen(head: nn.Linear, made: Tensor, wanted: Tensor) -> None:
    """Makes log magnitudes deviate further from their mean.

    Args:
        head: Its first 641 outputs are the log magnitudes.
        made: [frames, 641] what it gives.
        wanted: [frames, 641] what it should give.
    """
    loud = wanted.mean(1) > wanted.mean()
    made, wanted = made[loud], wanted[loud]
    gains = torch.ones(BINS)
    gains[1:_HIGHEST] = (_cepstra(wanted).std(0) / _cepstra(made).std(0))[1:_HIGHEST].cpu() ** _POWER
    both = torch.cat([gains, gains[1:-1].flip(0)]).numpy()
    columns = [np.fft.rfft(np.fft.irfft(bin, _N) * both).real for bin in np.eye(BINS)]
    wider = torch.tensor(np.stack(columns, 1), dtype=torch.float32, device=made.device)
    mean = made.mean(0)
    head.weight[:BINS] = wider @ head.weight[:BINS]
    head.bias[:BINS] = mean + wider @ (head.bias[:BINS] - mean)


def _cepstra(log_magnitudes: Tensor) -> Tensor:
    return torch.as_tensor(torch.fft.irfft(log_magnitudes, _N))
