"""The load of the engine benchmark: takes of one length, each with its own text and reference."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.protocol import Sampling, SpeechLM, TakeRequest
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from deployments.xcodec2.stream import StreamDecoder
from scripts.bench.measurement import TakeTimes
from scripts.bench.serial import SerialSpeaker, SerialTake

REFERENCES: Final = (250, 500)
"""Shortest and longest reference, in codes: 5 to 10 s."""
TEXT_TOKENS: Final = 120
"""Tokens of a prompt before the reference, about: the template and a text."""
_TEXT: Final = 60
"""Letters of a text."""
_LETTERS: Final = list("abcdefghijklmnopqrstuvwxyz")
# The seed's sampling parameters, which are expensive: every sampling step is used.
SAMPLING: Final = Sampling(temperature=0.8, top_k=50, top_p=0.95, repetition_penalty=1.1)


class Takes:
    """Generates requests; no two share a prompt, so that none is found in the engine's cache.

    Args:
        codec_size: Codes are below this.
        codes: Each take's length: minimum and maximum.
    """

    def __init__(self, codec_size: int, codes: int) -> None:
        self._codec_size = codec_size
        self._codes = codes
        self._random = np.random.default_rng(0)
        self._made = 0

    def make(self) -> TakeRequest:
        """Returns the next request."""
        self._made += 1
        length = int(self._random.integers(REFERENCES[0], REFERENCES[1], endpoint=True))
        reference = self._random.integers(0, self._codec_size, length).astype(np.int32)
        return TakeRequest(
            text=f"{self._made} {''.join(self._random.choice(_LETTERS, _TEXT))}",
            ref_codes=reference,
            sampling=SAMPLING,
            min_codes=self._codes,
            max_codes=self._codes,
        )


async def speak_together(lm: SpeechLM, codec: CodecBatcher, requests: list[TakeRequest]) -> list[TakeTimes]:
    """Runs all requests at once, each decoded as it grows."""
    return await asyncio.gather(*(_stream(lm, codec, request) for request in requests))


async def _stream(lm: SpeechLM, codec: CodecBatcher, request: TakeRequest) -> TakeTimes:
    begin = time.perf_counter()
    stream = StreamDecoder(codec, request.ref_codes)
    first: float | None = None
    samples = 0
    async for chunk in lm.generate(request):
        pieces = [await stream.push(chunk.codes)]
        if chunk.finish:
            pieces.append(await stream.finish())
        for piece in pieces:
            if len(piece) and first is None:
                first = time.perf_counter() - begin
            samples += len(piece)
    total = time.perf_counter() - begin
    return TakeTimes(first if first is not None else total, total, samples / SAMPLE_RATE)


def speak_serially(
    speaker: SerialSpeaker,
    codec: Xcodec2Codec,
    prompts: PromptBuilder,
    requests: list[TakeRequest],
    say: Callable[[str], None],
) -> list[TakeTimes]:
    """Runs the requests one after the other, each decoded when it is complete, which is its first audio."""
    takes = []
    for index, request in enumerate(requests, 1):
        begin = time.perf_counter()
        codes = speaker.speak(
            SerialTake(prompts.build(request), request.min_codes, request.max_codes or 0, request.sampling)
        )
        (wav,) = codec.decode([np.concatenate([request.ref_codes, codes])])
        total = time.perf_counter() - begin
        takes.append(TakeTimes(total, total, (len(wav) - len(request.ref_codes) * HOP) / SAMPLE_RATE))
        say(f"serial take {index} of {len(requests)}: {total:.1f} s for {takes[-1].audio:.1f} s of audio")
    return takes
