"""A model and a codec that do what a test wants, a voice made of them, and a synthesizer."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

import numpy as np

from deployments.llasa.protocol import CodeChunk, Codes, EngineStats, FinishReason, Sampling, TakeRequest
from deployments.synthesis.events import Finished, SpeechEvent
from deployments.synthesis.pace import Pace
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Speech, SpeechRequest, Synthesizer
from deployments.voices.reference import Reference
from deployments.whisper.protocol import Segment, Transcript
from deployments.xcodec2.protocol import HOP, Codec, Waveform
from tests.ingress.conftest import Still

SILENT: Final = 2000
"""From this on codes are silence; all below sound."""
REFERENCE: Final = Reference(np.arange(100, 200, dtype=np.int32), "x" * 30)
"""A voice of the typical pace."""

Script = Callable[[TakeRequest], Codes]


def spoken(request: TakeRequest) -> Codes:
    """A good take: as long as its text should last, no sound twice."""
    count = round(Pace().codes(request.text))
    rng = np.random.default_rng([request.sampling.seed, *request.text.encode()])
    return rng.integers(1, 2000, count).astype(np.int32)


def hush(count: int) -> Codes:
    """Silence, in which no code stays as it is: a real codec hears noise even there."""
    return np.random.default_rng(count).integers(SILENT, 2048, count).astype(np.int32)


class ScriptedLM:
    """`SpeechLM` whose takes are written by a function, and kept count of.

    A take has the limits of a real one: it runs to its cap and is told so, and END before the minimum does not exist.

    Args:
        script: Codes of a take.
        every: Codes in a chunk.
    """

    def __init__(self, script: Script = spoken, every: int = 25) -> None:
        self.requests: list[TakeRequest] = []
        self.running = 0
        self.most_running = 0
        self.codes = 0
        self.finished: list[str] = []
        """Texts in the order in which their takes ended."""
        self._script = script
        self._every = every

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            codes = self._script(request)
            if len(codes) < request.min_codes:
                filler = np.arange(request.min_codes - len(codes), dtype=np.int32)
                codes = np.concatenate([codes, 1 + filler]).astype(np.int32)
            finish: FinishReason = "stop"
            if request.max_codes is not None and len(codes) >= request.max_codes:
                codes, finish = codes[: request.max_codes], "length"
            for start in range(0, len(codes), self._every):
                await asyncio.sleep(0)
                part = codes[start : start + self._every]
                self.codes += len(part)
                yield CodeChunk(part)
            self.finished.append(request.text)
            yield CodeChunk(codes[:0], finish)
        finally:
            self.running -= 1

    async def stats(self) -> EngineStats:
        return EngineStats(self.running, 0, self.most_running, 0, self.codes, 0, 0)


class ToneCodec:
    """`Codec` in which every code that is not silent is 20 ms of one tone."""

    def __init__(self, level: float = 0.2) -> None:
        self.level = level

    async def encode(self, wav: Waveform) -> Codes:
        return (1 + np.arange(len(wav) // HOP) % 1999).astype(np.int32)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        await asyncio.sleep(0)
        tone = self.level * np.sin(2 * np.pi * 200 * np.arange(start * HOP, len(codes) * HOP) / 16_000)
        wav: Waveform = (tone * np.repeat(codes[start:] < SILENT, HOP)).astype(np.float32)
        return wav


PATIENCE = 60
TEXT = "The quick brown fox jumps over the lazy dog, and nobody minds."
REQUEST = SpeechRequest(TEXT, REFERENCE, sampling=Sampling(seed=5), normalise=False)


def synthesizer(lm: ScriptedLM, codec: Codec | None = None, **policy: object) -> Synthesizer:
    wishes = {"cuts": 0, **policy}  # pieces of a chunk would be more takes
    return Synthesizer(lm, codec or ToneCodec(), Deaf(), Still(), Policy(**wishes))  # type: ignore[arg-type]


class Deaf:
    """A transcriber that must not be asked."""

    async def transcribe(self, *args: object, **kwargs: object) -> Transcript:
        raise AssertionError("nobody should listen")

    async def stream(self, *args: object, **kwargs: object) -> AsyncGenerator[Segment | Transcript, None]:
        raise AssertionError("nobody should listen")
        yield


async def speak(synthesizer: Synthesizer, request: SpeechRequest = REQUEST) -> Speech:
    async with asyncio.timeout(PATIENCE):
        return await synthesizer.speak(request)


async def stream(synthesizer: Synthesizer, request: SpeechRequest) -> list[SpeechEvent]:
    async with asyncio.timeout(PATIENCE):
        return [event async for event in synthesizer.stream(request)]


def finished(events: list[SpeechEvent]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last
