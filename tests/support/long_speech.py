"""Speakers and orders for jobs, without models."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np

from deployments.audio.encoder import encoded
from deployments.jobs.order import Chapter, JobOrder
from deployments.jobs.recordings import BlockOrder, TranscriptionOrder
from deployments.jobs.sound import read
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.text.markup import read_markup
from deployments.whisper.protocol import Segment, Transcript, Word
from tests.support.scripted import REFERENCE

NAMES = ("Anna", "Bert", "Carl", "Dora", "Emil", "Fred")
TEXT = "\n\n".join(f"This is the paragraph about {name}. It has two sentences." for name in NAMES)


def order(*chapters: str, **changed: Any) -> JobOrder:
    """An order of chapters, in the scripted voice."""
    written = tuple(Chapter(f"Chapter {n}", read_markup(text)) for n, text in enumerate(chapters or (TEXT,), 1))
    return JobOrder(written, {"temperature": 0.9}, REFERENCE, "tiny", seed=7, **changed)


def audio_of(part: PartOrder) -> bytes:
    """Noise that depends on the text and the seed only."""
    digest = hashlib.sha256(f"{part.text} {part.seed}".encode()).digest()
    return encoded(np.random.default_rng([*digest]).uniform(-0.1, 0.1, 1600).astype(np.float32), "flac", 16_000)


@dataclass
class CountedSpeaker:
    """Remembers what it speaks; fails with the given errors first, and waits at the gate."""

    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    texts: list[str] = field(default_factory=list)
    heard: list[BlockOrder] = field(default_factory=list)
    begun: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def record(self, order: PartOrder) -> RecordedPart:
        self.begun += 1
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.texts.append(order.text)
        return RecordedPart(audio_of(order))

    async def hear_block(self, order: BlockOrder) -> Transcript:
        """Hears one word, whose name is the level of the block."""
        self.begun += 1
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.heard.append(order)
        wav = np.concatenate([*read(BytesIO(order.flac))])
        word = f"w{round(float(np.abs(wav).max()) * 10)}"
        seconds = len(wav) / 16_000
        segment = Segment(word, 0.0, seconds, (Word(word, 0.0, seconds, 1.0),))
        silent = word == "w0"
        return Transcript(
            "" if silent else word,
            order.listening.get("language") or ("en" if silent else "de"),
            0.0 if silent else 1.0,
            seconds,
            () if silent else (segment,),
        )


def recording(*levels: float, seconds: float = 2.0) -> TranscriptionOrder:
    """An order of blocks, each of one level."""
    wavs = [np.full(round(seconds * 16_000), level, np.float32) for level in levels]
    flacs = tuple(encoded(wav, "flac", 16_000) for wav in wavs)
    return TranscriptionOrder(flacs, (seconds,) * len(levels), {"word_timestamps": True}, "srt", "Talk")
