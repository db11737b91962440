"""A reader without models, whose pitch, pace, timbre and level are known."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from deployments.audio.encoder import encoded
from deployments.errors import GenerationFailed
from deployments.jobs.drift import expected
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from tests.support.long_speech import CountedSpeaker

_FORMANTS: Final = ((600.0, 120.0), (1400.0, 200.0), (2600.0, 300.0))
"""Hz of the middles and widths."""


def vowel(seconds: float, pitch: float = 0.0, formants: float = 1.0, level: float = -25.0) -> Waveform:
    """A vowel, of which every third quarter of a second is silent.

    Args:
        seconds: Its duration without the silences.
        pitch: Semitones above 120 Hz.
        formants: Factor of their frequencies.
        level: dB below full scale, without the silences.
    """
    hertz = 120 * 2 ** (pitch / 12)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = np.arange(1, int(7500 / hertz)) * hertz
    gains = sum(1 / (1 + ((harmonics - formants * middle) / width) ** 2) for middle, width in _FORMANTS)
    wav = np.zeros(len(time))
    for harmonic, gain in zip(harmonics, np.asarray(gains), strict=True):
        wav += gain * np.sin(2 * np.pi * harmonic * time + harmonic)
    wav *= 10 ** (level / 20) / np.sqrt(np.square(wav).mean())
    pieces = np.array_split(wav, max(round(2 * seconds), 1))
    return np.concatenate([np.pad(piece, (0, SAMPLE_RATE // 4)) for piece in pieces]).astype(np.float32)


@dataclass
class Reader(CountedSpeaker):
    """Reads every text in one manner, but for some words, and only with some seeds."""

    odd: Mapping[tuple[str, int], Mapping[str, float]] = field(default_factory=dict)
    """By a word of the text and the seed: changes of `pace` (a factor), `pitch`, `formants` and `level`."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """Seeds with which texts with some words cannot be spoken."""
    read: list[tuple[str, int]] = field(default_factory=list)
    """Texts and seeds."""

    async def record(self, order: PartOrder) -> RecordedPart:
        self.begun += 1
        await self.gate.wait()
        await asyncio.sleep(0)
        self.read.append((order.text, order.seed))
        if any(word in order.text and order.seed == seed for word, seed in self.failing.items()):
            raise GenerationFailed("It is silent.")
        changes: dict[str, float] = {}
        for (word, seed), found in self.odd.items():
            if word in order.text and order.seed == seed:
                changes |= found
        digest = hashlib.sha256(f"{order.text} {order.seed}".encode()).digest()
        luck = (np.frombuffer(digest[:3], np.uint8) / 255 - 0.5).tolist()
        pace = (1 + 0.1 * luck[0]) * changes.pop("pace", 1.0)
        values: dict[str, Any] = {"pitch": luck[1], "level": -25 + 2 * luck[2]}
        for name, change in changes.items():
            values[name] = values.get(name, 0.0) + change
        wav = await asyncio.to_thread(vowel, expected(order.text, order.speed) * 0.8 / pace, **values)
        return RecordedPart(encoded(wav, "flac", SAMPLE_RATE))
