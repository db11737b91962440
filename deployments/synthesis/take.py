"""Records one attempt at a chunk."""

import math
import time
from collections.abc import AsyncGenerator, Iterator, MutableMapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deployments.audio.trim import Edges, gap
from deployments.llasa.protocol import CodeChunk, FinishReason, SpeechLM, TakeRequest
from deployments.synthesis.guards import LONGEST_GAP, Flaw, LoopDetector, check_duration, check_silence
from deployments.synthesis.pace import CODES_A_SECOND
from deployments.whisper.protocol import Word
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Codec, Waveform
from deployments.xcodec2.stream import StreamDecoder


@dataclass(frozen=True, slots=True)
class Hearing:
    """What Whisper heard in a take."""

    text: str
    error: float
    """Word (or character) error rate."""
    words: tuple[Word, ...]
    """Words with times from the beginning of the take."""


@dataclass(frozen=True, slots=True)
class Take:
    """A finished attempt."""

    wav: Waveform
    """[samples] trimmed and faded; empty if the model generated nothing at all."""
    finish: FinishReason
    seed: int
    flaw: Flaw | None
    duration_error: float = 0.0
    """Deviation from the expected duration: the absolute logarithm of their ratio."""
    hearing: Hearing | None = None
    unknown_characters: bool = False
    """Whether the model has no tokens for some of its text."""

    @property
    def quality_key(self) -> tuple[float, ...]:
        """Sort key of takes: flaws, then misheard words, then duration."""
        flaw = self.flaw.rank if self.flaw else 0
        return flaw, self.hearing.error if self.hearing else 0.0, self.duration_error


def joined(takes: Sequence[Take], pauses: Sequence[float]) -> Take:
    """Returns the takes of a text's pieces as one.

    Args:
        takes: At least one.
        pauses: Seconds after each.
    """
    wavs: list[Waveform] = []
    words: list[Word] = []
    length = 0
    for take, pause in zip(takes, pauses, strict=True):
        if take.hearing:
            offset = length / SAMPLE_RATE
            words += [replace(word, start=offset + word.start, end=offset + word.end) for word in take.hearing.words]
        wavs += [take.wav, np.zeros(max(gap(pause), 0) if pause else 0, np.float32)]
        length += len(wavs[-2]) + len(wavs[-1])
    heard = [take.hearing for take in takes if take.hearing]
    errors = [hearing.error * len(hearing.text) for hearing in heard]
    return Take(
        np.concatenate(wavs),
        next((take.finish for take in takes if take.finish != "stop"), "stop"),
        takes[0].seed,
        next((take.flaw for take in takes if take.flaw), None),
        max(take.duration_error for take in takes),
        Hearing(
            " ".join(hearing.text for hearing in heard),
            sum(errors) / max(sum(len(hearing.text) for hearing in heard), 1),
            tuple(words),
        )
        if heard
        else None,
        unknown_characters=any(take.unknown_characters for take in takes),
    )


class TakeRecorder:
    """Records takes, and watches each while it runs.

    Args:
        lm: Generates codes.
        codec: Decodes them.
        timings: Seconds waited for codes (`generate`) and sound (`decode`), summed over parallel takes.
    """

    def __init__(self, lm: SpeechLM, codec: Codec, timings: MutableMapping[str, float]) -> None:
        self._lm = lm
        self._codec = codec
        self._timings = timings

    async def record(self, request: TakeRequest, expected: float) -> AsyncGenerator[Waveform | Take, None]:
        """Yields the audio of a take as it grows, then the take. A take that fails before its first audio comes alone.

        A take that repeats itself or falls silent is stopped at once. Closing the iterator early frees its place.

        Args:
            request: The request to the model.
            expected: Expected codes of the text.
        """
        decoder = StreamDecoder(self._codec, request.ref_codes)
        edges = Edges()
        loop = LoopDetector()
        pieces: list[Waveform] = []
        heard = False
        finish: FinishReason | None = None
        unknown_characters = False
        flaw: Flaw | None = None
        async with aclosing(self._lm.generate(request)) as chunks:
            while finish is None:
                with timed(self._timings, "generate"):
                    chunk = await anext(chunks, _LOST)
                finish, unknown_characters = chunk.finish, unknown_characters or chunk.unknown_characters
                with timed(self._timings, "decode"):
                    pieces.append(edges.push(await decoder.push(chunk.codes)))
                if loop.push(chunk.codes):
                    finish, flaw = "loop", Flaw("loop", "it repeats a sound without end")
                elif edges.quiet > LONGEST_GAP * CODES_A_SECOND and not finish:
                    finish, flaw = "error", Flaw("silence", f"it falls silent for {LONGEST_GAP:g} s")
                if len(pieces[-1]):
                    heard = True
                    yield pieces[-1]
        with timed(self._timings, "decode"):
            rest = edges.push(await decoder.finish())
        rest = np.concatenate([rest, edges.finish()])
        wav = np.concatenate([*pieces, rest])
        if finish == "length":
            flaw = Flaw("length", "it was cut at the longest that such a text may take")
        elif finish != "stop" and not flaw:
            flaw = Flaw("lost", "the model broke off")
        flaw = flaw or check_silence(wav) or check_duration(len(wav) // HOP, expected)
        if len(rest) and (heard or not flaw):
            yield rest
        duration_error = abs(math.log(max(len(wav) / HOP, 1) / max(expected, 1)))
        yield Take(wav, finish, request.sampling.seed, flaw, duration_error, unknown_characters=unknown_characters)


_LOST: Final = CodeChunk(np.zeros(0, np.int32), "error")
"""Used when the model stops without a final chunk."""


@contextmanager
def timed(timings: MutableMapping[str, float], stage: str) -> Iterator[None]:
    """Adds the seconds that its body takes."""
    begin = time.perf_counter()
    yield
    timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - begin
