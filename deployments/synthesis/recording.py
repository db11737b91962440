"""Records a chunk: in parallel takes, again if they have a flaw, and in pieces if none is good."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deployments.audio.tempo import Tempo
from deployments.llasa.protocol import TakeRequest
from deployments.synthesis.pace import Pace
from deployments.synthesis.plan import Chunk, cut_finer
from deployments.synthesis.policy import Policy
from deployments.synthesis.take import Take, TakeRecorder, joined
from deployments.synthesis.verification import verify
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_SEEDS: Final = 32
"""Numbers of takes that are kept apart for each piece of a chunk."""


@dataclass(frozen=True, slots=True)
class Role:
    """A voice of a speech."""

    request: TakeRequest
    """What all of its takes have in common: reference, instruction, sampling."""
    pace: Pace


@dataclass(frozen=True, slots=True)
class KeptTake:
    """The best of a chunk's takes, and their number."""

    take: Take
    attempts: int


class ChunkRecorder:
    """Records chunks.

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
        self.checked = defaultdict[int, asyncio.Event](asyncio.Event)
        """Set for a chunk when Whisper starts on it."""

    async def record(self, chunk: Chunk, index: int) -> KeptTake:
        """Returns the best take of a chunk, the `index`-th of its text.

        If no take is good, and the policy permits retries, the chunk is cut and its pieces are recorded.
        """
        kept = await self._finest(chunk, index, 0, self._policy.cuts)
        if chunk.rate:
            kept = replace(kept, take=await asyncio.to_thread(_at_rate, kept.take, chunk.rate))
        return kept

    async def _finest(self, chunk: Chunk, index: int, first: int, cuts: int) -> KeptTake:
        return await self._healed(chunk, index, first, cuts, await self._whole(chunk, index, first))

    async def _healed(self, chunk: Chunk, index: int, first: int, cuts: int, whole: KeptTake) -> KeptTake:
        """Records the sentences of a chunk, their clauses, or their halves, if its take has a flaw.

        Args:
            chunk: What to record.
            index: Its number, or that of the chunk that it is a piece of.
            first: Number of its first take: another number is another seed.
            cuts: How often it may be cut.
            whole: Its best take, which is returned if a piece has a flaw, too.
        """
        pieces = cut_finer(chunk)
        if not (whole.take.flaw and cuts and self._retries(chunk)) or len(pieces) == 1:
            return whole
        finer: list[KeptTake] = []
        for number, piece in enumerate(pieces):
            finer.append(await self._finest(piece, index, first + _SEEDS * (number + 1), cuts - 1))
            if finer[-1].take.flaw:
                break
        take = joined([kept.take for kept in finer], [piece.pause for piece in pieces[: len(finer)]])
        return KeptTake(whole.take if take.flaw else take, whole.attempts + sum(kept.attempts for kept in finer))

    async def _whole(self, chunk: Chunk, index: int, first: int) -> KeptTake:
        attempts = self._policy.best_of if self._varies(chunk) else 1
        best = await self._best(await self._takes(chunk, index, range(first, first + attempts)), chunk, index)
        most = attempts + self._retries(chunk)
        while best.flaw and attempts < most:
            another = range(first + attempts, first + attempts + 1)
            best = min(best, await self._best(await self._takes(chunk, index, another), chunk, index), key=_quality_key)
            attempts += 1
        if self._policy.listens and not best.hearing:  # all failed: the best one's transcript is reported anyway
            best = await verify(best, chunk.text, self._language, self._transcriber)
        return KeptTake(best, attempts)

    async def _best(self, takes: list[Take], chunk: Chunk, index: int) -> Take:
        judged: list[Take] = []
        for take in sorted(takes, key=_quality_key):
            if self._policy.listens and not take.flaw:
                self.checked[index].set()
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

    async def record_streamed(self, chunk: Chunk) -> AsyncGenerator[Waveform | KeptTake, None]:
        """Yields the audio of the first chunk while it is recorded, then its take. Yielded audio is not retried."""
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
        kept = KeptTake(best, len(takes))
        if not heard:
            kept = await self._healed(chunk, 0, 0, self._policy.cuts, kept)
            if len(kept.take.wav):
                yield kept.take.wav
        yield kept

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


def derived_seed(seed: int, index: int, attempt: int) -> int:
    """Returns the seed of a take: different for each chunk and attempt; the first has the request's own."""
    if not (index or attempt):
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(index, attempt)).generate_state(1)[0])


def _quality_key(take: Take) -> tuple[float, ...]:
    return take.quality_key


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
