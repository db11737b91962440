"""From a reference and a text to speech: the three models, composed."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deployments.errors import GenerationFailed, InvalidAudio
from deployments.gpu.protocol import MODELS, Residency
from deployments.llasa.protocol import INSTRUCTION, Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.speech.text import code_bounds
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec

_CACHED: Final = 1024
"""References whose codes are kept: at most 4 KB each."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What to say, and in whose voice."""

    text: str
    reference: NDArray[np.float32]
    """[samples] mono at 16 kHz."""
    ref_text: str | None = None
    """What the reference says; None: Whisper listens."""
    instruction: str = INSTRUCTION
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Speech:
    """What was said."""

    wav: NDArray[np.float32]
    """[samples] mono at 16 kHz."""
    finish: FinishReason
    ref_text: str
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage that ran, in their order."""


class Synthesizer:
    """Speaks requests; holds no model, and remembers the codes of references it has seen."""

    def __init__(self, lm: SpeechLM, codec: Codec, transcriber: Transcriber, residency: Residency) -> None:
        self._lm = lm
        self._codec = codec
        self._transcriber = transcriber
        self._residency = residency
        self._codes = OrderedDict[bytes, Codes]()

    async def speak(self, request: SpeechRequest) -> Speech:
        """Speaks a request whole. Cancelling it frees what it holds in the models.

        Raises:
            InvalidAudio: no text came with the reference, and Whisper hears none in it.
            InvalidText: the text does not fit the model's window beside the reference.
            Unavailable: a model cannot serve.
            GenerationFailed: the model spoke nothing.
        """
        timings: dict[str, float] = {}
        async with AsyncExitStack() as stack:
            with _timed(timings, "wake"):
                needed = ["Llasa", "XCodec2"] if request.ref_text else MODELS
                await stack.enter_async_context(self._residency.held(needed))
            return await self._speak(request, timings)

    async def _speak(self, request: SpeechRequest, timings: dict[str, float]) -> Speech:
        ref_text = request.ref_text
        if ref_text is None:
            with _timed(timings, "transcribe"):
                ref_text = (await self._transcriber.transcribe(request.reference)).text
            if not ref_text:
                raise InvalidAudio("No speech is heard in the clip: send one with speech, or its text.", "audio")
        with _timed(timings, "encode"):
            ref_codes = await self._encode(request.reference)
        with _timed(timings, "generate"):
            codes, finish = await self._generate(request, ref_text, ref_codes)
        with _timed(timings, "decode"):
            wav = await self._codec.decode(np.concatenate([ref_codes, codes]), start=len(ref_codes))
        return Speech(wav, finish, ref_text, timings)

    async def _encode(self, reference: NDArray[np.float32]) -> Codes:
        key = hashlib.sha256(reference.tobytes()).digest()
        if key not in self._codes:
            codes = await self._codec.encode(reference)
            self._codes[key] = codes
            if len(self._codes) > _CACHED:
                self._codes.popitem(last=False)
        self._codes.move_to_end(key)
        return self._codes[key]

    async def _generate(self, request: SpeechRequest, ref_text: str, ref_codes: Codes) -> tuple[Codes, FinishReason]:
        fewest, most = code_bounds(request.text)
        take = TakeRequest(
            text=request.text,
            ref_text=ref_text,
            ref_codes=ref_codes,
            instruction=request.instruction,
            sampling=request.sampling,
            min_codes=fewest,
            max_codes=most,
        )
        parts: list[Codes] = []
        finish: FinishReason | None = None
        async for chunk in self._lm.generate(take):
            parts.append(chunk.codes)
            finish = chunk.finish
        if finish is None or not sum(map(len, parts)):
            raise GenerationFailed("The model spoke nothing: try another seed.")
        return np.concatenate(parts), finish


def seconds(wav: NDArray[np.float32]) -> float:
    """How long [samples] at 16 kHz last."""
    return len(wav) / SAMPLE_RATE


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - begin
