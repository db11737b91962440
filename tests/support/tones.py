"""A language of tones, and an ear that understands it: each word is a pitch."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np

from deployments.audio.loudness import frame_levels
from deployments.whisper.protocol import Segment, Transcript, Word
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Codes, Waveform

WORDS: Final = [
    *("amber", "brook", "cedar", "dune", "ember", "frost", "grove", "haze", "iris", "jade", "kelp", "lake", "moss"),
    *("north", "oak", "pine", "quartz", "reed", "stone", "thorn", "umber", "vale", "wind", "yarrow", "zephyr"),
]
_SILENT: Final = 1000
"""From this on codes are silence."""
_LOWEST: Final = 300
_STEP: Final = 100
WORD_S: Final = 0.4
GAP_S: Final = 0.1


def say(text: str, pauses: dict[int, float] | None = None, level: float = 0.3) -> Waveform:
    """[samples] the words of a text; `pauses` are seconds after words, by their places."""
    parts: list[Waveform] = []
    time = np.arange(round(WORD_S * SAMPLE_RATE)) / SAMPLE_RATE
    for place, word in enumerate(text.lower().replace(".", "").replace(",", "").split()):
        pitch = _LOWEST + _STEP * WORDS.index(word)
        parts.append((level * np.sin(2 * np.pi * pitch * time)).astype(np.float32))
        parts.append(np.zeros(round((pauses or {}).get(place, GAP_S) * SAMPLE_RATE), np.float32))
    return np.concatenate(parts)


def stretches(wav: Waveform) -> list[tuple[int, int]]:
    """Where a tone sounds."""
    loud = np.concatenate([[0], (frame_levels(wav) > 0.01).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(loud)) * HOP
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


class Ear:
    """`Transcriber` of tones."""

    def __init__(self, sure: bool = True, english_only: bool = False, compression_ratio: float = 1.0) -> None:
        self.calls = 0
        self._sure = sure
        self._english_only = english_only
        self._compression_ratio = compression_ratio

    async def transcribe(self, wav: Waveform, **_: object) -> Transcript:
        self.calls += 1
        words = []
        for start, end in stretches(wav):
            middle = wav[start + HOP : end - HOP]
            if len(middle) < 4 * HOP:
                continue
            pitch = np.argmax(np.abs(np.fft.rfft(middle, SAMPLE_RATE)))
            word = WORDS[min(max(round((float(pitch) - _LOWEST) / _STEP), 0), len(WORDS) - 1)]
            words.append(Word(word, start / SAMPLE_RATE, end / SAMPLE_RATE, 1.0))
        text = " ".join(word.text for word in words)
        seconds = len(wav) / SAMPLE_RATE
        segment = Segment(
            text,
            0,
            seconds,
            tuple(words),
            avg_logprob=-0.1 if self._sure else -2.0,
            compression_ratio=self._compression_ratio,
        )
        return Transcript(text, "en", 1.0, seconds, (segment,) if words else (), english_only=self._english_only)

    async def stream(self, wav: Waveform, **_: object) -> AsyncGenerator[Segment | Transcript, None]:
        transcript = await self.transcribe(wav)
        for segment in transcript.segments:
            yield segment
        yield transcript


def sung(words: list[str]) -> Codes:
    """Codes that `TonalCodec` turns into words; no two of a word are the same."""
    parts = []
    for word in words:
        parts.append(WORDS.index(word) + len(WORDS) * np.arange(20))
        parts.append(np.arange(_SILENT, _SILENT + 5))
    return np.concatenate(parts).astype(np.int32)


class TonalCodec:
    """`Codec` of the language of tones."""

    async def encode(self, wav: Waveform) -> Codes:
        return sung([word.text for segment in (await Ear().transcribe(wav)).segments for word in segment.words])

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        await asyncio.sleep(0)
        pitch = np.repeat(_LOWEST + _STEP * (codes % len(WORDS)), HOP)
        tone = 0.3 * np.sin(2 * np.pi * pitch * np.arange(len(codes) * HOP) / SAMPLE_RATE)
        wav: Waveform = (tone * np.repeat(codes < _SILENT, HOP)).astype(np.float32)
        return wav[start * HOP :]
