"""Splits the chapters of a job into parts, and names each part by everything that its audio depends on."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from deployments.jobs.order import Chapter, JobOrder, Slot
from deployments.llasa.protocol import INSTRUCTION
from deployments.synthesis.plan import Budget, Chunk, plan
from deployments.text.alignment import cut_like
from deployments.text.pronunciation import Pronunciations
from deployments.text.script import Script
from deployments.voices.reference import Reference

CHAPTER_PAUSE: Final = 1.5
"""Seconds of silence between chapters."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text that is spoken at once."""

    chapter: int
    """From 1."""
    text: str
    """Normalised."""
    key: str
    """Parts with the same key have the same audio."""
    seed: int
    voice: str | None = None
    """Name of its voice in the cast; None: the job's."""
    speed: float = 1.0
    before: float = 0.0
    """Seconds of silence before it."""
    pause: float = 0.0
    """Seconds of silence after it."""
    written: str = ""
    """What captions show; empty if the part before it shows that, too."""
    slot_start: float | None = None
    """When it shall be spoken, in seconds from the beginning of the file; None: after the part before it."""
    slot_end: float | None = None
    recorded: float | None = None
    """Seconds of the recording that it transcribes; None: it is spoken."""


def split(owner: str, order: JobOrder) -> Iterator[Part]:
    """Yields the parts of a job, in order. Blocks: a million characters take about 20 s.

    Paragraphs are split one by one, so an edit changes only parts of its own paragraph.
    """
    instruction = order.params.get("system_prompt", INSTRUCTION)
    instruction += order.params.get("instructions", "")
    budget = Budget.beside(order.reference, instruction)
    budgets = {name: Budget.beside(voice, instruction) for name, voice in order.cast.items()}
    pronunciations = Pronunciations([*order.pronunciations])
    chapters = [chapter for chapter in order.chapters if chapter.script.has_words]
    for number, chapter in enumerate(chapters, 1):
        script = chapter.script.normalised(order.language, order.options, pronunciations, order.voice)
        for stretch, slot in _stretches(script, chapter):
            chunks = plan(stretch, budget, budgets)
            if number < len(chapters):
                chunks = (*chunks[:-1], replace(chunks[-1], pause=max(CHAPTER_PAUSE, chunks[-1].pause)))
            shown = cut_like([chunk.text for chunk in chunks], stretch.written)
            for chunk, written, times in zip(chunks, shown, _shares(slot, chunks), strict=True):
                part = Part(
                    chapter=number,
                    text=chunk.text,
                    key="",
                    seed=order.seed,
                    voice=chunk.voice if chunk.voice in order.cast else None,
                    speed=order.speed * (chunk.rate or 1),
                    before=chunk.before,
                    pause=chunk.pause / order.speed,
                    written=written,
                    slot_start=times.start if times else None,
                    slot_end=times.end if times else None,
                )
                yield replace(part, key=key_of(owner, order, part))


def _stretches(script: Script, chapter: Chapter) -> Iterator[tuple[Script, Slot | None]]:
    if not chapter.slots:
        yield script, None
        return
    for segment, slot in zip(script.segments, chapter.slots, strict=True):
        if (cue := Script((segment,))).has_words:
            yield cue, slot


def _shares(slot: Slot | None, chunks: Sequence[Chunk]) -> Iterator[Slot | None]:
    """Yields when each chunk of a cue is spoken."""
    total = sum(len(chunk.text) for chunk in chunks)
    at = slot.start if slot else 0.0
    for chunk in chunks:
        if slot:
            start, at = at, at + (slot.end - slot.start) * len(chunk.text) / total
            yield Slot(start, at)
        else:
            yield None


def key_of(owner: str, order: JobOrder, part: Part) -> str:
    """Returns a hash of all that a part's audio depends on, and of its owner: no client can probe for others' texts."""
    reference: Reference = order.cast.get(part.voice or "", order.reference)
    codes = hashlib.sha256(reference.codes.astype("<i4").tobytes()).hexdigest()
    inputs = [owner, order.model, part.text, reference.text, codes, part.seed, part.speed, order.params]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def renewed(key: str) -> str:
    """Returns the key of a part that is spoken again with the next seed."""
    return hashlib.sha256(f"{key} again".encode()).hexdigest()
