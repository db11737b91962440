"""Speaks a plan: records chunks in parallel, and yields them in order."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deployments.audio.loudness import loudness, scaled
from deployments.audio.tempo import Tempo
from deployments.audio.trim import LEAD, crossfaded, gap, quiet_edges
from deployments.errors import GenerationFailed
from deployments.llasa.protocol import TakeRequest
from deployments.synthesis.events import Audio, Part, Progress, SpeechEvent
from deployments.synthesis.pace import Pace
from deployments.synthesis.plan import Chunk
from deployments.synthesis.policy import Policy
from deployments.synthesis.take import Take, TakeRecorder
from deployments.synthesis.verification import verify
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

AHEAD: Final = 4
"""Chunks of one request recorded at a time, including the next one to be heard."""
_MOST_GAIN: Final = 2.0
"""Maximum factor by which a chunk's loudness is changed to match the first."""


@dataclass(frozen=True, slots=True)
class Role:
    """A voice of a speech."""

    request: TakeRequest
    """What all of its takes have in common: reference, instruction, sampling."""
    pace: Pace


@dataclass(frozen=True, slots=True)
class _Kept:
    """The best of a chunk's takes, and their number."""

    take: Take
    attempts: int


class LongFormSpeaker:
    """Speaks chunks.

    Args:
        recorder: Records takes.
        roles: The voices by their names; None: that of chunks without a name.
        policy: How to handle flaws.
        transcriber: Checks takes, if the policy requires it.
        language: Language of the text, ISO 639-1, in which numbers are compared.
    """

    def __init__(
        self,
        recorder: TakeRecorder,
        roles: Mapping[str | None, Role],
        policy: Policy,
        transcriber: Transcriber,
        language: str = "en",
    ) -> None:
        self._recorder = recorder
        self._roles = roles
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
                kept: _Kept
                if index == 0 and streamed and not (chunk.rate or self._policy.strict or self._policy.listens):
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
        attempts = self._policy.best_of if self._varies(chunk) else 1
        best = await self._best(await self._takes(chunk, index, range(attempts)), chunk, index)
        most = attempts + self._retries(chunk)
        while best.flaw and attempts < most:
            another = await self._best(await self._takes(chunk, index, range(attempts, attempts + 1)), chunk, index)
            best = min(best, another, key=_quality_key)
            attempts += 1
        if self._policy.listens and not best.hearing:  # all failed: the best one's transcript is reported anyway
            best = await verify(best, chunk.text, self._language, self._transcriber)
        if chunk.rate:
            best = await asyncio.to_thread(_at_rate, best, chunk.rate)
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
        while not heard and len(takes) <= self._retries(chunk) and not (takes and takes[-1].flaw is None):
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
        role = self._role(chunk)
        fewest, most = role.pace.bounds(chunk.text)
        seed = derived_seed(role.request.sampling.seed, index, attempt)
        request = replace(
            role.request,
            text=chunk.text,
            sampling=replace(role.request.sampling, seed=seed),
            min_codes=fewest,
            max_codes=most,
        )
        return self._recorder.record(request, role.pace.codes(chunk.text))

    def _role(self, chunk: Chunk) -> Role:
        return self._roles.get(chunk.voice) or self._roles[None]

    def _varies(self, chunk: Chunk) -> bool:
        # At temperature 0 every take is the same.
        return self._role(chunk).request.sampling.temperature > 0

    def _retries(self, chunk: Chunk) -> int:
        return self._policy.retries if self._varies(chunk) else 0

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
    part = Part(
        chunk.text, start, seconds, take.finish, take.seed, kept.attempts, flaw, unread=take.unread, voice=chunk.voice
    )
    if take.hearing is None:
        return part
    words = tuple(replace(word, start=start + word.start, end=start + word.end) for word in take.hearing.words)
    return replace(part, heard=take.hearing.text, error=take.hearing.error, words=words)


def _at_rate(take: Take, rate: float) -> Take:
    tempo = Tempo(rate)
    wav = np.concatenate([tempo.write(take.wav), tempo.close()])
    if not take.hearing:
        return replace(take, wav=wav)
    words = tuple(
        replace(word, start=word.start / rate, end=min(word.end / rate, len(wav) / SAMPLE_RATE))
        for word in take.hearing.words
    )
    return replace(take, wav=wav, hearing=replace(take.hearing, words=words))


def _matched(wav: Waveform, level: float | None) -> Waveform:
    # Matches the loudness of the first chunk.
    own = loudness(wav)
    if not level or not own:
        return wav
    return scaled(wav, min(max(level / own, 1 / _MOST_GAIN), _MOST_GAIN))
