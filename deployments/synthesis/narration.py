"""Speaks a plan: records chunks in parallel, and yields them in order."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deployments.audio.loudness import loudness, scaled
from deployments.audio.trim import crossfaded, gap
from deployments.errors import GenerationFailed
from deployments.llasa.protocol import TakeRequest
from deployments.synthesis.events import Audio, Part, Progress, SpeechEvent
from deployments.synthesis.pace import Pace
from deployments.synthesis.plan import Chunk
from deployments.synthesis.policy import Policy
from deployments.synthesis.take import Take, TakeRecorder
from deployments.synthesis.verification import verify
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

AHEAD: Final = 4
"""Chunks of one request recorded at a time, including the next one to be heard."""
_MOST_GAIN: Final = 2.0
"""Maximum factor by which a chunk's loudness is changed to match the first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The best of a chunk's takes, and their number."""

    take: Take
    attempts: int


class LongFormSpeaker:
    """Speaks chunks with one voice.

    Args:
        recorder: Records takes.
        request: What all takes have in common: reference, instruction, sampling.
        pace: Pace of the voice.
        policy: How to handle flaws.
        transcriber: Checks takes, if the policy requires it.
        language: Language of the text, ISO 639-1, in which numbers are compared.
    """

    def __init__(
        self,
        recorder: TakeRecorder,
        request: TakeRequest,
        pace: Pace,
        policy: Policy,
        transcriber: Transcriber,
        language: str = "en",
    ) -> None:
        self._recorder = recorder
        self._request = request
        self._pace = pace
        self._policy = policy
        self._transcriber = transcriber
        self._language = language
        self._tasks: dict[int, asyncio.Task[_Kept]] = {}
        self._checked = defaultdict[int, asyncio.Event](asyncio.Event)

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
        given = 0
        level: float | None = None
        tail = np.zeros(0, np.float32)  # end of the previous take, which fades into the next one
        try:
            for index, chunk in enumerate(chunks):
                start = given
                between = gap(chunk.pause) if chunk.pause else 0
                kept: _Kept
                if index == 0 and streamed and not (self._policy.strict or self._policy.listens):
                    async with aclosing(self._record_streamed(chunk)) as pieces:
                        async for piece in pieces:
                            if isinstance(piece, _Kept):
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
                    wav = crossfaded(tail, _matched(kept.take.wav, level))
                    # The first chunk may be streamed, and be heard to its end before the next one is ready.
                    stays = max(len(wav) + (min(between, 0) if index else 0), 0)
                    wav, tail = wav[:stays], wav[stays:]
                    if len(wav):
                        given += len(wav)
                        yield Audio(wav)
                level = level or loudness(kept.take.wav)
                yield _part(chunk, kept, start / SAMPLE_RATE, len(kept.take.wav) / SAMPLE_RATE)
                if between > 0:
                    given += between
                    yield Audio(np.zeros(between, np.float32))
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start(self, chunks: tuple[Chunk, ...], first: int, end: int) -> None:
        for index in range(first, min(end, len(chunks))):
            if index not in self._tasks:
                self._tasks[index] = asyncio.create_task(self._record(chunks[index], index))

    async def _is_checked(self, index: int) -> bool:
        """Returns, once Whisper starts on a chunk, true; false if the chunk is done without it."""
        checking = asyncio.create_task(self._checked[index].wait())
        try:
            await asyncio.wait({checking, self._tasks[index]}, return_when=asyncio.FIRST_COMPLETED)
            return not self._tasks[index].done()
        finally:
            checking.cancel()

    async def _record(self, chunk: Chunk, index: int) -> _Kept:
        attempts = self._policy.best_of if self._request.sampling.temperature else 1
        best = await self._best(await self._takes(chunk, index, range(attempts)), chunk, index)
        most = attempts + self._retries
        while best.flaw and attempts < most:
            another = await self._best(await self._takes(chunk, index, range(attempts, attempts + 1)), chunk, index)
            best = min(best, another, key=_quality_key)
            attempts += 1
        if self._policy.listens and not best.hearing:  # all failed: the best one's transcript is reported anyway
            best = await verify(best, chunk.text, self._language, self._transcriber)
        return _Kept(best, attempts)

    async def _best(self, takes: list[Take], chunk: Chunk, index: int) -> Take:
        judged: list[Take] = []
        for take in sorted(takes, key=_quality_key):
            if self._policy.listens and not take.flaw:
                self._checked[index].set()
                judged.append(await verify(take, chunk.text, self._language, self._transcriber))
            else:
                judged.append(take)
            if not any(judged[-1].quality_key[:2]):
                break  # no flaw and no error: whatever Whisper hears in the rest, none has a better duration
        return min(judged, key=_quality_key)

    async def _takes(self, chunk: Chunk, index: int, attempts: range) -> list[Take]:
        # In parallel: they share the prompt, and the batch.
        tasks = [asyncio.create_task(self._take(chunk, index, attempt)) for attempt in attempts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _record_streamed(self, chunk: Chunk) -> AsyncGenerator[Waveform | _Kept, None]:
        # Like _record, but audio that was yielded cannot be taken back.
        takes: list[Take] = []
        heard = False
        while not heard and len(takes) <= self._retries and not (takes and takes[-1].flaw is None):
            async with aclosing(self._pieces(chunk, 0, len(takes))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Take):
                        takes.append(piece)
                    else:
                        heard = True
                        yield piece
        best = takes[-1] if heard else min(takes, key=_quality_key)
        if not heard and len(best.wav):
            yield best.wav
        yield _Kept(best, len(takes))

    async def _take(self, chunk: Chunk, index: int, attempt: int) -> Take:
        async with aclosing(self._pieces(chunk, index, attempt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Take):
                    return piece
        raise AssertionError("a recording ended without its take")

    def _pieces(self, chunk: Chunk, index: int, attempt: int) -> AsyncGenerator[Waveform | Take, None]:
        fewest, most = self._pace.bounds(chunk.text)
        seed = derived_seed(self._request.sampling.seed, index, attempt)
        request = replace(
            self._request,
            text=chunk.text,
            sampling=replace(self._request.sampling, seed=seed),
            min_codes=fewest,
            max_codes=most,
        )
        return self._recorder.record(request, self._pace.codes(chunk.text))

    @property
    def _retries(self) -> int:
        # At temperature 0 every take is the same.
        return self._policy.retries if self._request.sampling.temperature else 0

    def _accept(self, kept: _Kept, chunk: Chunk) -> None:
        if not len(kept.take.wav):
            raise GenerationFailed("The model spoke nothing: try another seed.")
        if kept.take.flaw and self._policy.strict:
            raise GenerationFailed(
                f"None of {kept.attempts} takes of {shortened(chunk.text)!r} is good; of the best one, "
                f"{kept.take.flaw.message}. Try another seed or reference, or do without strict."
            )


def derived_seed(seed: int, index: int, attempt: int) -> int:
    """Returns the seed of a take: different for each chunk and attempt; the first has the request's own."""
    if not (index or attempt):
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(index, attempt)).generate_state(1)[0])


def shortened(text: str, longest: int = 60) -> str:
    """Returns the beginning of a text, for messages."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _quality_key(take: Take) -> tuple[float, ...]:
    return take.quality_key


def _part(chunk: Chunk, kept: _Kept, start: float, seconds: float) -> Part:
    take = kept.take
    flaw = take.flaw.message if take.flaw else None
    part = Part(chunk.text, start, seconds, take.finish, take.seed, kept.attempts, flaw, unread=take.unread)
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
