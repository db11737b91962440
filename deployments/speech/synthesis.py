"""From a reference and a text to speech: the three models, composed."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from deployments.errors import GenerationFailed, InvalidAudio
from deployments.gpu.protocol import Residency
from deployments.llasa.protocol import INSTRUCTION, Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.speech.events import Audio, Event, Finished, Progress
from deployments.speech.reference import Reference
from deployments.speech.text import code_bounds
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec, Waveform
from deployments.xcodec2.stream import StreamDecoder

_CACHED: Final = 1024
"""References whose codes are kept: at most 4 KB each."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What to say, and in whose voice."""

    text: str
    reference: Waveform | Reference
    """[samples] mono at 16 kHz, or one that is prepared already."""
    ref_text: str | None = None
    """What the waveform says; None: Whisper listens. A prepared reference has its own."""
    instruction: str = INSTRUCTION
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Speech:
    """What was said, whole."""

    wav: Waveform
    """[samples] mono at 16 kHz."""
    finished: Finished


class Synthesizer:
    """Speaks requests; holds no model, and remembers the codes of references it has seen."""

    def __init__(self, lm: SpeechLM, codec: Codec, transcriber: Transcriber, residency: Residency) -> None:
        self._lm = lm
        self._codec = codec
        self._transcriber = transcriber
        self._residency = residency
        self._codes = OrderedDict[bytes, Codes]()

    async def speak(self, request: SpeechRequest) -> Speech:
        """Speaks a request whole: what `stream` gives, collected. Cancelling it frees what it holds in the models."""
        pieces: list[Waveform] = []
        async with aclosing(self.stream(request)) as events:
            async for event in events:
                if isinstance(event, Audio):
                    pieces.append(event.wav)
                elif isinstance(event, Finished):
                    return Speech(np.concatenate(pieces), event)
        raise AssertionError("a stream ended without its last event")

    async def stream(self, request: SpeechRequest) -> AsyncGenerator[Event, None]:
        """Speaks a request as it is made.

        Closing the iterator early (`contextlib.aclosing`) frees what it holds in the models.

        Raises:
            InvalidAudio: no text came with the reference, and Whisper hears none in it.
            InvalidText: the text does not fit the model's window beside the reference.
            Unavailable: a model cannot serve.
            GenerationFailed: the model spoke nothing.
        """
        timings: dict[str, float] = {}
        async with AsyncExitStack() as stack:
            yield Progress("waking")
            with _timed(timings, "wake"):
                await stack.enter_async_context(self._residency.held(["Llasa", *_listeners(request)]))
            if isinstance(request.reference, Reference):
                reference = request.reference
            else:
                ref_text = request.ref_text
                if ref_text is None:
                    yield Progress("listening")
                    with _timed(timings, "transcribe"):
                        ref_text = await self._listen(request.reference)
                yield Progress("encoding")
                with _timed(timings, "encode"):
                    reference = Reference(await self._encode(request.reference), ref_text)
            yield Progress("speaking", 1, 1)
            finish: FinishReason = "stop"
            async with aclosing(self._take(request, reference, timings)) as pieces:
                async for wav, finish in pieces:  # noqa: B007 - the last one's is told
                    if len(wav):
                        yield Audio(wav)
            yield Finished(finish, request.sampling.seed, reference.text, timings)

    async def prepare(self, wav: Waveform, ref_text: str | None = None) -> Reference:
        """Makes a reference of a clip, once for all that it will speak.

        Args:
            wav: [samples] mono at 16 kHz.
            ref_text: What it says; None: Whisper listens.

        Raises:
            InvalidAudio: no text came with it, and Whisper hears none in it.
            Unavailable: a model cannot serve.
        """
        async with self._residency.held(["XCodec2"] if ref_text else ["XCodec2", "Whisper"]):
            return Reference(await self._encode(wav), ref_text or await self._listen(wav))

    async def _listen(self, wav: Waveform) -> str:
        text = (await self._transcriber.transcribe(wav)).text
        if not text:
            raise InvalidAudio("No speech is heard in the clip: send one with speech, or its text.", "audio")
        return text

    async def _encode(self, reference: Waveform) -> Codes:
        key = hashlib.sha256(reference.tobytes()).digest()
        if key not in self._codes:
            codes = await self._codec.encode(reference)
            self._codes[key] = codes
            if len(self._codes) > _CACHED:
                self._codes.popitem(last=False)
        self._codes.move_to_end(key)
        return self._codes[key]

    async def _take(
        self, request: SpeechRequest, reference: Reference, timings: dict[str, float]
    ) -> AsyncGenerator[tuple[Waveform, FinishReason], None]:
        fewest, most = code_bounds(request.text)
        take = TakeRequest(
            text=request.text,
            ref_text=reference.text,
            ref_codes=reference.codes,
            instruction=request.instruction,
            sampling=request.sampling,
            min_codes=fewest,
            max_codes=most,
        )
        timings |= {"generate": 0.0, "decode": 0.0}
        decoder = StreamDecoder(self._codec, reference.codes)
        spoken = 0
        async with aclosing(self._lm.generate(take)) as chunks:
            while True:
                with _timed(timings, "generate"):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                spoken += len(chunk.codes)
                with _timed(timings, "decode"):
                    wav = await decoder.push(chunk.codes)
                    if chunk.finish:
                        wav = np.concatenate([wav, await decoder.finish()])
                yield wav, chunk.finish or "error"
        if not spoken:
            raise GenerationFailed("The model spoke nothing: try another seed.")


def seconds(wav: Waveform) -> float:
    """How long [samples] at 16 kHz last."""
    return len(wav) / SAMPLE_RATE


def _listeners(request: SpeechRequest) -> list[str]:
    """Models that are needed beside Llasa."""
    listens = not isinstance(request.reference, Reference) and not request.ref_text
    return ["XCodec2", "Whisper"] if listens else ["XCodec2"]


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - begin
