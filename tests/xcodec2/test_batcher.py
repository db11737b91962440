import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from deployments.errors import InvalidInput, Unavailable
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import HOP, Codes, Waveform

BAD = 999
PATIENCE = 10


class GatedCodec:
    """Works only while the gate is open, and writes down what it was asked for."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.asked: list[list[int]] = []

    def load_encoder(self) -> None:
        pass

    def encode(self, wav: Waveform) -> Codes:
        self._wait([-len(wav)])
        return np.zeros(len(wav) // HOP, np.int32)

    def decode(self, batch: Sequence[Codes], start: int) -> list[Waveform]:
        self._wait([int(codes[0]) for codes in batch])
        if any(BAD in codes for codes in batch):
            raise InvalidInput("bad code")
        return [np.repeat(codes[start:], HOP).astype(np.float32) for codes in batch]

    def _wait(self, asked: list[int]) -> None:
        self.asked.append(asked)
        self.entered.release()
        if not self.gate.wait(PATIENCE):
            raise TimeoutError


@pytest.fixture
def gated() -> Iterator[GatedCodec]:
    codec = GatedCodec()
    yield codec
    codec.gate.set()


def codes(first: int, count: int = 3) -> Codes:
    return np.full(count, first, np.int32)


async def occupied(batcher: CodecBatcher, codec: GatedCodec) -> "asyncio.Task[Waveform]":
    """Returns when the thread is busy with a request, so that what follows waits together."""
    task = asyncio.create_task(batcher.decode(codes(0, 1)))
    assert await asyncio.to_thread(codec.entered.acquire, timeout=PATIENCE)
    return task


async def started(*tasks: "asyncio.Task[Waveform] | asyncio.Task[Codes]") -> None:
    """Lets tasks run up to their wait."""
    for _ in tasks:
        await asyncio.sleep(0)


async def test_requests_of_equal_length_that_wait_together_share_a_batch(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated, max_batch=8)
    first = await occupied(batcher, gated)
    tasks = [asyncio.create_task(batcher.decode(codes(n))) for n in (1, 2, 3)]
    await started(*tasks)
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        wavs = await asyncio.gather(first, *tasks)
    assert gated.asked == [[0], [1, 2, 3]]
    assert [wav[0] for wav in wavs] == [0, 1, 2, 3]
    assert (batcher.stats.batches, batcher.stats.items, batcher.stats.largest_batch) == (2, 4, 3)
    batcher.close()


async def test_different_lengths_are_never_decoded_together(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated, max_batch=8)
    first = await occupied(batcher, gated)
    tasks = [asyncio.create_task(batcher.decode(codes(n, length))) for n, length in ((1, 5), (2, 6), (3, 5))]
    await started(*tasks)
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        wavs = await asyncio.gather(first, *tasks)
    assert gated.asked == [[0], [1, 3], [2]]
    assert [len(wav) // HOP for wav in wavs] == [1, 5, 6, 5]
    batcher.close()


@pytest.mark.parametrize(("max_batch", "batches"), [(1, [[1], [2], [3]]), (2, [[1, 2], [3]])])
async def test_a_batch_is_never_larger_than_allowed(
    gated: GatedCodec, max_batch: int, batches: list[list[int]]
) -> None:
    batcher = CodecBatcher(gated, max_batch)
    first = await occupied(batcher, gated)
    tasks = [asyncio.create_task(batcher.decode(codes(n))) for n in (1, 2, 3)]
    await started(*tasks)
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(first, *tasks)
    assert gated.asked == [[0], *batches]
    batcher.close()


async def test_encodes_run_one_by_one(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated, max_batch=8)
    first = await occupied(batcher, gated)
    encodes = [asyncio.create_task(batcher.encode(np.zeros(n, np.float32))) for n in (640, 960)]
    decode = asyncio.create_task(batcher.decode(codes(1)))
    await started(*encodes, decode)
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*encodes)
        await asyncio.gather(first, decode)
    assert sorted(gated.asked) == [[-960], [-640], [0], [1]]
    assert [len(item) for item in found] == [2, 3]
    batcher.close()


async def test_a_cancelled_request_that_waits_is_never_run(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated, max_batch=8)
    first = await occupied(batcher, gated)
    kept, dropped = (asyncio.create_task(batcher.decode(codes(n))) for n in (1, 2))
    await started(kept, dropped)
    assert batcher.stats.waiting == 2
    dropped.cancel()
    await asyncio.wait([dropped], timeout=PATIENCE)
    assert batcher.stats.waiting == 1
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(first, kept)
    assert gated.asked == [[0], [1]]
    assert dropped.cancelled()
    batcher.close()


async def test_a_failure_reaches_only_the_caller_whose_codes_cause_it(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated, max_batch=8)
    first = await occupied(batcher, gated)
    tasks = [asyncio.create_task(batcher.decode(codes(n))) for n in (1, BAD, 3)]
    await started(*tasks)
    gated.gate.set()
    async with asyncio.timeout(PATIENCE):
        await first
        good, bad, also_good = await asyncio.gather(*tasks, return_exceptions=True)
        again = await batcher.decode(codes(4))
    assert isinstance(bad, InvalidInput)
    assert not isinstance(good, BaseException)
    assert not isinstance(also_good, BaseException)
    assert (good[0], also_good[0], again[0]) == (1, 3, 4)
    batcher.close()


async def test_nothing_of_a_failed_batch_is_kept_while_its_requests_are_run_again() -> None:
    held: list[BaseException | None] = []

    class Watched(GatedCodec):
        def decode(self, batch: Sequence[Codes], start: int) -> list[Waveform]:
            held.append(sys.exc_info()[1])  # its traceback would hold all that the batch has on a GPU
            return super().decode(batch, start)

    codec = Watched()
    batcher = CodecBatcher(codec, max_batch=8)
    first = await occupied(batcher, codec)
    tasks = [asyncio.create_task(batcher.decode(codes(n))) for n in (1, BAD, 3)]
    await started(*tasks)
    codec.gate.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(first, *tasks, return_exceptions=True)
    assert held == [None] * 5
    batcher.close()


async def test_closing_refuses_what_waits_and_what_comes(gated: GatedCodec) -> None:
    batcher = CodecBatcher(gated)
    first = await occupied(batcher, gated)
    waiting = asyncio.create_task(batcher.decode(codes(1)))
    await started(waiting)
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unavailable):
            await waiting
        gated.gate.set()
        assert len(await first) == HOP
        await closing
    with pytest.raises(Unavailable):
        await batcher.decode(codes(2))


async def test_the_codes_before_start_are_context_only(tiny_xcodec2: Path) -> None:
    batcher = CodecBatcher(Xcodec2Codec.load(str(tiny_xcodec2)))
    some = np.random.default_rng(0).integers(0, 2048, 60).astype(np.int32)
    async with asyncio.timeout(PATIENCE):
        whole = await batcher.decode(some)
        rest = await batcher.decode(some, start=40)
        assert np.array_equal(whole[40 * HOP :], rest)
        assert len(await batcher.decode(some, start=60)) == 0
        assert len(await batcher.encode(whole)) == 60
    with pytest.raises(ValueError, match="outside"):
        await batcher.decode(some, start=61)
    batcher.close()
