"""Splits long recordings into blocks, so that no recording is held in memory as a whole."""

from collections.abc import AsyncGenerator
from typing import Final

import numpy as np

from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

LONGEST_BLOCK: Final = 240
"""Seconds: eight of Whisper's windows, which it transcribes as one batch."""
_SEARCHED: Final = 20 * SAMPLE_RATE
"""Samples at the end of a block that are searched for the quietest place."""
_PAUSE: Final = 0.3
"""Seconds over which loudness is averaged: a pause between words is about as long."""


async def blocks(
    pieces: AsyncGenerator[Waveform, None], seconds: int = LONGEST_BLOCK
) -> AsyncGenerator[Waveform, None]:
    """Joins pieces of [samples] mono at 16 kHz to blocks of at most so many seconds, cut in the middle of a pause."""
    longest = seconds * SAMPLE_RATE
    gathered: list[Waveform] = []
    samples = 0
    async for piece in pieces:
        gathered.append(piece)
        samples += len(piece)
        while samples >= longest:
            wav = np.concatenate(gathered)
            cut = _quietest(wav[:longest])
            yield wav[:cut]
            gathered = [wav[cut:].copy()]
            samples -= cut
    if samples:
        yield np.concatenate(gathered)


def _quietest(wav: Waveform) -> int:
    hop = SAMPLE_RATE // 100
    tail = wav[-_SEARCHED:]
    levels = np.square(tail[: len(tail) // hop * hop]).reshape(-1, hop).mean(axis=1)
    smooth = np.convolve(levels, np.ones(round(_PAUSE * 100)), "same")
    edge = round(_PAUSE * 100)
    quietest = int(smooth[edge:-edge].argmin()) + edge
    return len(wav) - len(tail) + quietest * hop
