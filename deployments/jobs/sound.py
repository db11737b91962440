"""The sound of jobs: parts, and the silences between them. Blocks."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import av
import numpy as np

from deployments.audio.tempo import Tempo
from deployments.jobs.records import Recorded
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

Recording = Sequence[tuple[Recorded, Path]]
"""Parts in order, with their audio."""


def read(source: Path | IO[bytes]) -> Iterator[Waveform]:
    """Yields [samples] at 16 kHz of a file that the service has written."""
    with av.open(str(source) if isinstance(source, Path) else source) as file:
        resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE)
        for frame in file.decode(audio=0):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray()[0]
        for resampled in resampler.resample(None):
            yield resampled.to_ndarray()[0]


def pieces(parts: Recording) -> Iterator[Waveform]:
    """Yields [samples] at 16 kHz of a recording."""
    for part, path in parts:
        yield np.zeros(_samples(part.before), np.float32)
        yield from speech(part, path)
        yield np.zeros(_samples(part.pause), np.float32)


def speech(part: Recorded, path: Path) -> Iterator[Waveform]:
    """Yields [samples] at 16 kHz of a part at its rate and level.

    It is as long as it says, so that the times of what follows hold.
    """
    factor = np.float32(10 ** (part.gain / 20))
    pieces = (piece * factor for piece in read(path))
    if part.rate == 1:
        yield from pieces
        return
    tempo = Tempo(part.rate)
    wav = np.concatenate([*map(tempo.write, pieces), tempo.close()])[: _samples(part.seconds)]
    yield np.pad(wav, (0, _samples(part.seconds) - len(wav)))


def starts(parts: Iterable[Recorded]) -> Iterator[tuple[Recorded, float, float]]:
    """Yields each part with the seconds at which its silence before it and its speech begin: to the sample."""
    at = 0
    for part in parts:
        speech = at + _samples(part.before)
        yield part, at / SAMPLE_RATE, speech / SAMPLE_RATE
        at = speech + _samples(part.seconds) + _samples(part.pause)


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
