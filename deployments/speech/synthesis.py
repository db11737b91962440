"""From a reference and a text to speech: the three models, composed."""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from deployments.errors import InvalidAudio
from deployments.gpu.protocol import Residency
from deployments.llasa.protocol import INSTRUCTION, Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.speech.events import Audio, Event, Finished, Part, Progress
from deployments.speech.narration import Narrator, shortened
from deployments.speech.normalise import normalise
from deployments.speech.plan import Budget, plan
from deployments.speech.policy import Policy
from deployments.speech.reference import Reference
from deployments.speech.take import Studio, timed
from deployments.speech.usage import Metered, Usage
from deployments.whisper.protocol import Transcriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec, Waveform

_CACHED: Final = 1024
"""References whose codes are kept: at most 4 KB each."""
_POLICY: Final = Policy()


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
    normalise: bool = True
    """Whether numbers and symbols are written out, and odd characters replaced."""
    policy: Policy | None = None
    """None: the synthesizer's."""
    live: bool = True
    """Give out the first chunk of a stream while it is recorded: quicker, but a flaw found late stays."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What was said, whole."""

    wav: Waveform
    """[samples] mono at 16 kHz."""
    finished: Finished


class Synthesizer:
    """Speaks requests; holds no model, and remembers the codes of references it has seen."""

    def __init__(
        self, lm: SpeechLM, codec: Codec, transcriber: Transcriber, residency: Residency, policy: Policy = _POLICY
    ) -> None:
        self._lm = lm
        self._codec = codec
        self._transcriber = transcriber
        self._residency = residency
        self.policy = policy
        """Where a request does not say."""
        self._codes = OrderedDict[bytes, Codes]()

    async def speak(self, request: SpeechRequest) -> Speech:
        """Speaks a request whole: what `stream` gives when it is not live, collected.

        Cancelling it frees what it holds in the models.
        """
        pieces: list[Waveform] = []
        async with aclosing(self.stream(replace(request, live=False))) as events:
            async for event in events:
                if isinstance(event, Audio):
                    pieces.append(event.wav)
                elif isinstance(event, Finished):
                    return Speech(np.concatenate(pieces), event)
        raise AssertionError("a stream ended without its last event")

    async def stream(self, request: SpeechRequest, usage: Usage | None = None) -> AsyncGenerator[Event, None]:
        """Speaks a request as it is made.

        Closing the iterator early (`contextlib.aclosing`) frees what it holds in the models.

        Args:
            request: What to say.
            usage: Is counted up.

        Raises:
            InvalidAudio: no text came with the reference, and Whisper hears none in it.
            InvalidText: the reference leaves no room for a text in the model's window.
            Unavailable: a model cannot serve.
            GenerationFailed: the model spoke nothing, or the policy is strict and no take is good.
        """
        timings: dict[str, float] = {}
        async with AsyncExitStack() as stack:
            yield Progress("waking")
            with timed(timings, "wake"):
                await stack.enter_async_context(self._residency.held(["Llasa", *_listeners(request)]))
            if isinstance(request.reference, Reference):
                reference = request.reference
            else:
                ref_text = request.ref_text
                if ref_text is None:
                    yield Progress("listening")
                    with timed(timings, "transcribe"):
                        ref_text = await self._listen(request.reference)
                yield Progress("encoding")
                with timed(timings, "encode"):
                    reference = Reference(await self._encode(request.reference), ref_text)
            budget = Budget.beside(reference, request.instruction)
            chunks = plan(normalise(request.text) if request.normalise else request.text, budget)
            narrator = Narrator(
                Studio(Metered(self._lm, usage or Usage()), self._codec, timings),
                TakeRequest("", reference.text, reference.codes, request.instruction, request.sampling),
                budget.pace,
                request.policy or self.policy,
            )
            parts: list[Part] = []
            yield Progress("speaking", 1, len(chunks))
            async with aclosing(narrator.narrate(chunks, live=request.live)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, Part):
                        yield Audio(piece)
                        continue
                    parts.append(piece)
                    if len(parts) < len(chunks):
                        yield Progress("speaking", len(parts) + 1, len(chunks))
            yield _finished(request, reference, timings, parts)

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


def _finished(request: SpeechRequest, reference: Reference, timings: dict[str, float], parts: list[Part]) -> Finished:
    warnings = tuple(
        f"Of {shortened(part.text)!r} none of {part.attempts} takes is good: {part.flaw}."
        for part in parts
        if part.flaw
    )
    finish: FinishReason = next((part.finish for part in parts if part.finish != "stop"), "stop")
    return Finished(finish, request.sampling.seed, reference.text, timings, warnings, tuple(parts))


def seconds(wav: Waveform) -> float:
    """How long [samples] at 16 kHz last."""
    return len(wav) / SAMPLE_RATE


def _listeners(request: SpeechRequest) -> list[str]:
    """Models that are needed beside Llasa."""
    listens = not isinstance(request.reference, Reference) and not request.ref_text
    return ["XCodec2", "Whisper"] if listens else ["XCodec2"]
