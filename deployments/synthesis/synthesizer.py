"""Composes the three models: from a reference and a text to speech."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from deployments.errors import InvalidText
from deployments.llasa.protocol import INSTRUCTION, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.residency.protocol import Residency
from deployments.synthesis.captions import with_written_words
from deployments.synthesis.events import Audio, Finished, Part, Progress, SpeechEvent
from deployments.synthesis.narration import LongFormSpeaker, shortened
from deployments.synthesis.plan import Budget, plan
from deployments.synthesis.policy import Policy
from deployments.synthesis.recording import ChunkRecorder, Role
from deployments.synthesis.take import TakeRecorder, timed
from deployments.synthesis.usage import Metered, Usage
from deployments.text.options import DEFAULT_OPTIONS, NormalizationOptions
from deployments.text.pronunciation import Pronunciations
from deployments.text.script import Script, Segment
from deployments.voices.preparation import Draft, Preparer, ReferenceCheck
from deployments.voices.reference import Reference, ReferenceCache
from deployments.whisper.protocol import Transcriber, Transcript
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec, Waveform

_POLICY: Final = Policy()
_WORDLESS: Final = "The text holds no letter or digit: there is nothing to speak."
_SILENCE: Final = 0.3
"""Seconds of the speech of a text with nothing to speak."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What to say, and the voice."""

    text: str | Script
    reference: Waveform | Reference
    """[samples] mono at 16 kHz, or a prepared reference."""
    ref_text: str | None = None
    """Transcript of the waveform; None: Whisper's. A prepared reference has its own."""
    instruction: str = INSTRUCTION
    sampling: Sampling = Sampling()
    instructions: str = ""
    """How to speak: see `TakeRequest`."""
    normalise: bool = True
    """Whether to write out numbers and symbols, and replace unusual characters."""
    options: NormalizationOptions = DEFAULT_OPTIONS
    """What of the text is written in words."""
    pronunciations: Pronunciations | None = None
    """Replace words before normalisation."""
    voice: str | None = None
    """Name of the reference, for pronunciations of a voice."""
    language: str = "en"
    """Language of the text, ISO 639-1, or `auto`."""
    policy: Policy | None = None
    """None: the synthesizer's."""
    background: bool = False
    """Whether nobody waits for it: see `TakeRequest`."""
    streamed: bool = True
    """Whether `stream` yields the first chunk while it is recorded: faster, but a flaw found late stays."""
    warnings: tuple[str, ...] = ()
    """Problems of the reference's file."""
    cast: Mapping[str, Reference] = field(default_factory=dict)
    """The other voices of a script, by their names. A name that is missing is spoken in the reference's voice."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A complete speech."""

    wav: Waveform
    """[samples] mono at 16 kHz."""
    finished: Finished


class Synthesizer:
    """Speaks requests; holds no model, and caches prepared references."""

    def __init__(
        self,
        lm: SpeechLM,
        codec: Codec,
        transcriber: Transcriber,
        residency: Residency,
        policy: Policy = _POLICY,
        references: ReferenceCache | None = None,
    ) -> None:
        self._lm = lm
        self._codec = codec
        self._transcriber = transcriber
        self._preparer = Preparer(codec, transcriber, cache=references)
        self._residency = residency
        self.policy = policy
        """Default policy of requests."""

    async def speak(self, request: SpeechRequest) -> Speech:
        """Speaks a request as a whole: collects what `stream` yields when it is not streamed.

        Cancelling it frees what it holds in the models.
        """
        pieces: list[Waveform] = []
        async with aclosing(self.stream(replace(request, streamed=False))) as events:
            async for event in events:
                if event.audio is not None:
                    pieces.append(event.audio)
                elif event.finished:
                    return Speech(np.concatenate(pieces), event.finished)
        raise AssertionError("a stream ended without its last event")

    async def stream(self, request: SpeechRequest, usage: Usage | None = None) -> AsyncGenerator[SpeechEvent, None]:
        """Speaks a request as a stream.

        Closing the iterator early (`contextlib.aclosing`) frees what it holds in the models.

        Args:
            request: What to say.
            usage: Counted up.

        Raises:
            InvalidAudio: no text came with the reference and Whisper hears none in it, or it cannot be cut.
            InvalidText: the text does not match the reference, or it leaves no room in the model's window.
            Unavailable: a model cannot serve.
            InvalidText: the text has nothing to speak, and the policy is strict.
            GenerationFailed: the model generated silence, or the policy is strict and no take is good.
        """
        timings: dict[str, float] = {}
        policy = request.policy or self.policy
        script = await asyncio.to_thread(_read, request)
        if not script.has_words:
            if policy.strict:
                raise InvalidText(_WORDLESS, "input")
            for silent in _silence(request, script):
                yield silent
            return
        async with AsyncExitStack() as stack:
            yield Progress("waking")
            draft = await self._draft(request, policy)
            with timed(timings, "wake"):
                await stack.enter_async_context(
                    self._residency.held(["Llasa", *_listeners(draft, listens=policy.listens)])
                )
            if isinstance(draft, Draft):
                heard = None
                if draft.needs_listening:
                    yield Progress("listening")
                    with timed(timings, "transcribe"):
                        heard = await self._preparer.listen(draft)
                yield Progress("encoding")
                with timed(timings, "encode"):
                    reference = await self._preparer.encode(draft, heard)
            else:
                reference = draft
            instruction = request.instruction + request.instructions
            budget = Budget.beside(reference, instruction)
            budgets = {name: Budget.beside(voice, instruction) for name, voice in request.cast.items()}
            chunks = await asyncio.to_thread(plan, script, budget, budgets)
            recorder = ChunkRecorder(
                TakeRecorder(Metered(self._lm, usage or Usage()), self._codec, timings),
                {
                    None: _role(request, reference, budget),
                    **{name: _role(request, request.cast[name], budgets[name]) for name in budgets},
                },
                policy,
                self._transcriber,
                request.language,
            )
            speaker = LongFormSpeaker(recorder, policy)
            parts: list[Part] = []
            yield Progress("speaking", 1, len(chunks))
            async with aclosing(speaker.narrate(chunks, streamed=request.streamed)) as events:
                async for event in events:
                    yield event
                    if not event.spoken_part:
                        continue
                    parts.append(event.spoken_part)
                    if len(parts) < len(chunks):
                        yield Progress("speaking", len(parts) + 1, len(chunks))
            if any(part.words for part in parts):
                parts = list(await asyncio.to_thread(with_written_words, parts, script.written, request.language))
            yield _finished(request, script, reference, timings, parts)

    async def hear(self, wav: Waveform) -> Transcript:
        """Returns what Whisper hears in a clip, with the problems of the clip that `prepare` would report.

        Args:
            wav: [samples] mono at 16 kHz.

        Raises:
            Unavailable: Whisper cannot serve.
        """
        async with self._residency.held(["Whisper"]):
            return await self._preparer.hear(wav)

    async def sound(self, reference: Reference) -> Waveform:
        """Returns [samples] mono at 16 kHz: a reference's codes, decoded.

        Raises:
            Unavailable: the codec cannot serve.
        """
        async with self._residency.held(["XCodec2"]):
            return await self._codec.decode(reference.codes)

    async def prepare(
        self, wav: Waveform, ref_text: str | None = None, check: ReferenceCheck | None = None
    ) -> Reference:
        """Prepares a reference from a clip, once for all speech with it.

        Args:
            wav: [samples] mono at 16 kHz.
            ref_text: Its transcript; None: Whisper's.
            check: What to do if the text does not match the clip; None: the policy's default.

        Raises:
            InvalidAudio: no text came with the clip and Whisper hears none in it, or it is too long and cannot be cut.
            InvalidText: the text does not match the clip.
            Unavailable: a model cannot serve.
        """
        draft = await self._preparer.draft(wav, ref_text, check or self.policy.reference_check)
        if isinstance(draft, Reference):
            return draft
        async with self._residency.held(_listeners(draft)):
            heard = await self._preparer.listen(draft) if draft.needs_listening else None
            return await self._preparer.encode(draft, heard)

    async def _draft(self, request: SpeechRequest, policy: Policy) -> Reference | Draft:
        if isinstance(request.reference, Reference):
            return request.reference
        return await self._preparer.draft(request.reference, request.ref_text, policy.reference_check)


def _silence(request: SpeechRequest, script: Script) -> Iterator[SpeechEvent]:
    # Voice pipelines send sentence by sentence: one that is only an emoji must not end the conversation.
    seconds = sum(segment.pause for segment in script.segments) or _SILENCE
    yield Audio(np.zeros(round(seconds * SAMPLE_RATE), np.float32))
    warnings = (*request.warnings, *script.warnings, f"{_WORDLESS} The speech is a short silence.")
    yield Finished("stop", request.sampling.seed, "", warnings=warnings)


def _role(request: SpeechRequest, reference: Reference, budget: Budget) -> Role:
    take = TakeRequest(
        "",
        reference.text,
        reference.codes,
        request.instruction,
        request.sampling,
        instructions=request.instructions,
        background=request.background,
    )
    return Role(take, budget.pace)


def _finished(
    request: SpeechRequest, script: Script, reference: Reference, timings: dict[str, float], parts: list[Part]
) -> Finished:
    warnings = (
        request.warnings
        + script.warnings
        + reference.warnings
        + tuple(
            f"Of {shortened(part.text)!r} none of {part.attempts} takes is good: {part.flaw}."
            for part in parts
            if part.flaw
        )
    )
    if unread := [part for part in parts if part.unknown_characters]:
        more = f" and {len(unread) - 1} other parts" if len(unread) > 1 else ""
        warnings += (
            f"Not all of {shortened(unread[0].text)!r}{more} can be read by this model: it has no tokens for some of "
            "their characters.",
        )
    finish: FinishReason = next((part.finish for part in parts if part.finish != "stop"), "stop")
    return Finished(finish, request.sampling.seed, reference.text, timings, warnings, tuple(parts))


def _read(request: SpeechRequest) -> Script:
    script = request.text if isinstance(request.text, Script) else Script((Segment(request.text),))
    options = request.options if request.normalise else replace(request.options, normalize=False)
    return script.normalised(request.language, options, request.pronunciations, request.voice)


def seconds(wav: Waveform) -> float:
    """Returns the duration of [samples] at 16 kHz."""
    return len(wav) / SAMPLE_RATE


def _listeners(draft: Reference | Draft, *, listens: bool = False) -> list[str]:
    """Returns the models needed to prepare a reference and check takes. XCodec2 also decodes."""
    return ["XCodec2", "Whisper"] if listens or (isinstance(draft, Draft) and draft.needs_listening) else ["XCodec2"]
