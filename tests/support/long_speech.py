"""Speakers and orders for jobs, without models."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deployments.audio.encoder import encoded
from deployments.jobs.protocol import Chapter, JobOrder, PartOrder, RecordedPart
from deployments.text.markup import read_markup
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
