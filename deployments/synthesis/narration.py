"""Speaks a plan: records chunks in parallel, and yields them in order."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import numpy as np

from deployments.audio.loudness import loudness, scaled
from deployments.audio.trim import LEAD, crossfaded, gap, quiet_edges
from deployments.errors import GenerationFailed
from deployments.synthesis.events import Audio, Part, Progress, SpeechEvent
from deployments.synthesis.plan import Chunk
from deployments.synthesis.policy import Policy
from deployments.synthesis.recording import ChunkRecorder, KeptTake
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

AHEAD: Final = 4
"""Chunks of one request recorded at a time, including the next one to be heard."""
_MOST_GAIN: Final = 2.0
"""Maximum factor by which a chunk's loudness is changed to match the first."""


class LongFormSpeaker:
    """Speaks chunks.

    Args:
        recorder: Records chunks.
        policy: How to handle flaws.
    """

    def __init__(self, recorder: ChunkRecorder, policy: Policy) -> None:
        self._recorder = recorder
        self._policy = policy
        self._tasks: dict[int, asyncio.Task[KeptTake]] = {}

    async def narrate(self, chunks: tuple[Chunk, ...], *, streamed: bool) -> AsyncGenerator[SpeechEvent, None]:
        """Yields each chunk's audio and then its part, in order, and progress while waiting for Whisper.

        Chunks are checked, and retried, before any audio of them is yielded. Closing the iterator frees all places.

        Args:
            chunks: The plan.
            streamed: Yield the first chunk while it is recorded. It cannot be retried then, so not if the policy is
                strict or verifies.

        Raises:
            GenerationFailed: a chunk is silent, or has a flaw that the policy does not accept.
        """
        given = max(gap(chunks[0].before, after=False), 0) if chunks else 0
        if given:
            yield Audio(np.zeros(given, np.float32))
        level: float | None = None
        owed = 0  # samples of silence that are still due if the next take has none at its beginning
        tail = np.zeros(0, np.float32)  # end of the previous take, which fades into the next one
        try:
            for index, chunk in enumerate(chunks):
                between = gap(chunk.pause, before=index + 1 < len(chunks)) if chunk.pause else 0
                start = given
                kept: KeptTake
                if index == 0 and streamed and not (chunk.rate or self._policy.strict or self._policy.listens):
                    async with aclosing(self._recorder.record_streamed(chunk)) as pieces:
                        async for piece in pieces:
                            if isinstance(piece, KeptTake):
                                kept = piece
                            else:
                                self._start(chunks, 1, AHEAD)  # not earlier: the first sound has priority
                                given += len(piece)
                                yield Audio(piece)
                    self._accept(kept, chunk)
                else:
                    self._start(chunks, index, index + max(AHEAD // self._policy.best_of, 2))
                    if self._policy.listens and await self._is_checked(index):
                        yield Progress("checking", index + 1, len(chunks))
                    kept = await self._tasks.pop(index)
                    self._accept(kept, chunk)
                    if (silence := owed - quiet_edges(kept.take.wav)[0]) > 0:
                        given += silence
                        yield Audio(np.zeros(silence, np.float32))
                    start = given
                    wav = crossfaded(tail, _matched(kept.take.wav, level))
                    # The first chunk may be streamed, and be heard to its end before the next one is ready.
                    stays = max(len(wav) + (min(between, 0) if index else 0), 0)
                    wav, tail = wav[:stays], wav[stays:]
                    if len(wav):
                        given += len(wav)
                        yield Audio(wav)
                level = level or loudness(kept.take.wav)
                yield _part(chunk, kept, start / SAMPLE_RATE, len(kept.take.wav) / SAMPLE_RATE)
                owed = 0
                if between > 0:
                    owed = round(chunk.pause * SAMPLE_RATE) - quiet_edges(kept.take.wav)[1]
                    if (silence := owed - (LEAD * HOP if index + 1 < len(chunks) else 0)) > 0:
                        owed -= silence
                        given += silence
                        yield Audio(np.zeros(silence, np.float32))
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start(self, chunks: tuple[Chunk, ...], first: int, end: int) -> None:
        for index in range(first, min(end, len(chunks))):
            if index not in self._tasks:
                self._tasks[index] = asyncio.create_task(self._recorder.record(chunks[index], index))

    async def _is_checked(self, index: int) -> bool:
        """Returns, once Whisper starts on a chunk, true; false if the chunk is done without it."""
        checking = asyncio.create_task(self._recorder.checked[index].wait())
        try:
            await asyncio.wait({checking, self._tasks[index]}, return_when=asyncio.FIRST_COMPLETED)
            return not self._tasks[index].done()
        finally:
            checking.cancel()

    def _accept(self, kept: KeptTake, chunk: Chunk) -> None:
        if not len(kept.take.wav):
            raise GenerationFailed("The model spoke nothing: try another seed.")
        if kept.take.flaw and self._policy.strict:
            raise GenerationFailed(
                f"None of {kept.attempts} takes of {shortened(chunk.text)!r} is good; of the best one, "
                f"{kept.take.flaw.message}. Try another seed or reference, or do without strict."
            )


def shortened(text: str, longest: int = 60) -> str:
    """Returns the beginning of a text, for messages."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _part(chunk: Chunk, kept: KeptTake, start: float, seconds: float) -> Part:
    take = kept.take
    flaw = take.flaw.message if take.flaw else None
    part = Part(
        chunk.text,
        start,
        seconds,
        take.finish,
        take.seed,
        kept.attempts,
        flaw,
        unknown_characters=take.unknown_characters,
        voice=chunk.voice,
    )
    if take.hearing is None:
        return part
    words = tuple(replace(word, start=start + word.start, end=start + word.end) for word in take.hearing.words)
    return replace(part, heard=take.hearing.text, error=take.hearing.error, words=words)


def _matched(wav: Waveform, level: float | None) -> Waveform:
    # Matches the loudness of the first chunk.
    own = loudness(wav)
    if not level or not own:
        return wav
    return scaled(wav, min(max(level / own, 1 / _MOST_GAIN), _MOST_GAIN))
