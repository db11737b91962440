"""Serves the codec to many callers: one thread owns the model, and decodes of equal length share a batch."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

from deployments.errors import Unavailable
from deployments.xcodec2.protocol import Codes, Waveform


class BlockingCodec(Protocol):
    """What the thread calls: `Xcodec2Codec`, or a substitute."""

    def load_encoder(self) -> object: ...

    def encode(self, wav: Waveform) -> Codes: ...

    def decode(self, batch: Sequence[Codes], start: int) -> list[Waveform]: ...


@dataclass(frozen=True, slots=True)
class BatcherStats:
    """Counters of the batcher. `waiting` counts requests that no batch has taken yet."""

    batches: int = 0
    items: int = 0
    largest_batch: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Encode:
    wav: Waveform
    done: "Future[Codes]"


@dataclass(frozen=True, slots=True)
class _Decode:
    codes: Codes
    start: int
    done: "Future[Waveform]"


class CodecBatcher:
    """Implements the `Codec` protocol over a blocking codec.

    Whatever waits when the thread is free is processed at once: nothing waits for a batch to fill. A request that is
    cancelled while it waits is never run. If a batch fails, its items are run one by one, so that a failure affects
    only the callers whose codes cause it.

    Args:
        codec: Called from the thread only.
        max_batch: Maximum decodes in a batch. 1 runs them one by one, which makes the bytes of a decode independent
            of other requests: on a CPU, sharing a batch changes the last bits.
    """

    def __init__(self, codec: BlockingCodec, max_batch: int = 1) -> None:
        if max_batch < 1:
            raise ValueError("max_batch must be at least 1")
        self._codec = codec
        self._max_batch = max_batch
        self._waiting: deque[_Encode | _Decode] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._stats = BatcherStats()
        self._thread = threading.Thread(target=self._serve, name="xcodec2", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> BatcherStats:
        """A snapshot."""
        with self._changed:
            waiting = sum(not request.done.done() for request in self._waiting)
            return replace(self._stats, waiting=waiting)

    async def encode(self, wav: Waveform) -> Codes:
        """[samples] -> [samples // HOP] codes.

        Raises:
            InvalidAudio: the waveform is not one channel of finite samples.
            Unavailable: the codec is closed, or its encoder cannot be loaded.
        """
        await asyncio.to_thread(self._codec.load_encoder)  # not in the codec's own thread: decodes go on
        done: Future[Codes] = Future()
        self._submit(_Encode(wav, done))
        return await asyncio.wrap_future(done)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        """[n] codes -> [(n - start) * HOP] samples; the codes before `start` serve as context only.

        Raises:
            InvalidInput: the checkpoint does not have one of the codes.
            Unavailable: the codec is closed.
            ValueError: `start` is out of range.
        """
        if not 0 <= start <= len(codes):
            raise ValueError(f"start {start} lies outside {len(codes)} codes")
        done: Future[Waveform] = Future()
        self._submit(_Decode(codes, start, done))
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Lets the running batch finish and refuses the waiting and all later requests. Waits for the thread."""
        with self._changed:
            self._closed = True
            refused = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for request in refused:
            if request.done.set_running_or_notify_cancel():
                request.done.set_exception(_closed())
        self._thread.join()

    def _submit(self, request: _Encode | _Decode) -> None:
        with self._changed:
            if self._closed:
                raise _closed()
            self._waiting.append(request)
            self._changed.notify_all()

    def _serve(self) -> None:
        while (batch := self._take()) is not None:
            self._run(batch)

    def _take(self) -> list[_Encode | _Decode] | None:
        # Returns the oldest request, and those that may share its batch. None when closed.
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            first = self._waiting[0]
            batch: list[_Encode | _Decode] = []
            left: deque[_Encode | _Decode] = deque()
            for request in self._waiting:
                if len(batch) < self._max_batch and _fits(request, first):
                    if request.done.set_running_or_notify_cancel():
                        batch.append(request)
                else:
                    left.append(request)
            self._waiting = left
            if batch:
                self._stats = BatcherStats(
                    batches=self._stats.batches + 1,
                    items=self._stats.items + len(batch),
                    largest_batch=max(self._stats.largest_batch, len(batch)),
                )
            return batch

    def _run(self, batch: list[_Encode | _Decode]) -> None:
        try:
            decodes = [request for request in batch if isinstance(request, _Decode)]
            wavs = self._codec.decode([decode.codes for decode in decodes], decodes[0].start) if decodes else []
            for decode, wav in list(zip(decodes, wavs, strict=True)):
                decode.done.set_result(wav)
            for request in batch:
                if isinstance(request, _Encode):
                    request.done.set_result(self._codec.encode(request.wav))
        except Exception as error:  # noqa: BLE001 - the thread must outlive it, and the callers hear of it
            if len(batch) == 1:
                batch[0].done.set_exception(error)
        else:
            return
        # Not while the error is being handled: it references everything that the failed batch had on the GPU.
        if len(batch) > 1:
            for request in batch:
                self._run([request])


def _fits(request: _Encode | _Decode, first: _Encode | _Decode) -> bool:
    if isinstance(request, _Decode) and isinstance(first, _Decode):
        return (len(request.codes), request.start) == (len(first.codes), first.start)
    return request is first


def _closed() -> Unavailable:
    return Unavailable("The codec is shutting down. Try again.", retry_after_s=5)
