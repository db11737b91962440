"""Turns requests for long speech into jobs, and speaks the parts of jobs."""

import asyncio
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from deployments.audio.encoder import encoded
from deployments.audio.tempo import Tempo
from deployments.checkpoints import identity
from deployments.errors import InvalidText
from deployments.jobs.formats import BookFormat
from deployments.jobs.manuscript import Manuscript
from deployments.jobs.order import Chapter, JobOrder, Slot
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.llasa.protocol import Sampling
from deployments.profiles import Profile
from deployments.service.backend import Clip
from deployments.service.parameters import SpeechParams
from deployments.service.requests import Requests
from deployments.synthesis.synthesizer import SpeechRequest, Synthesizer
from deployments.text.markup import read_markup
from deployments.text.script import Script, Segment
from deployments.voices.reference import Reference
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_SAMPLED: Final = {field.name for field in fields(Sampling)} - {"seed"}
_TAKE: Final = sorted(
    ({"system_prompt", "instructions", "language", "strict", "verify", "best_of"} | _SAMPLED)
    & SpeechParams.model_fields.keys() - {"max_new_tokens"}
)
"""Parameters that the audio of a part depends on, besides its text, voice, seed and speed."""


@dataclass(frozen=True, slots=True)
class LongSpeech:
    """Makes jobs of requests."""

    requests: Requests
    synthesizer: Synthesizer
    profile: Profile

    async def order(
        self, params: SpeechParams, manuscript: Manuscript, clip: Clip | None, format: BookFormat
    ) -> JobOrder:
        """Returns the job for a request. It no longer depends on stored voices and pronunciations.

        Raises:
            ServiceError: the text, the clip or a voice cannot be used.
        """
        params = params.with_defaults(self.requests.settings, self.profile)
        longest = self.requests.settings.max_job_length
        if (characters := sum(len(chapter.text) for chapter in manuscript.chapters)) > longest:
            raise InvalidText(f"The text has {characters} characters; a job may have {longest}.", "input")
        reference, warnings = await self.requests.reference(params.voice, clip)
        if not isinstance(reference, Reference):
            reference = await self.synthesizer.prepare(reference, params.ref_text, params.ref_check)
        chapters = await asyncio.to_thread(_chapters, params, manuscript)
        voices = dict.fromkeys(name for chapter in chapters for name in chapter.script.voices)
        values: dict[str, Any] = params.model_dump(mode="json")
        notes = [note for chapter in chapters for note in chapter.script.warnings]
        options = params.normalization_options
        return JobOrder(
            chapters=chapters,
            params={name: values[name] for name in _TAKE if values[name] is not None},
            reference=Reference(reference.codes, reference.text),
            model=f"{identity(self.profile.llasa)} {self.profile.weights} {identity(self.profile.xcodec2)}",
            response_format=format,
            sample_rate=params.sample_rate or SAMPLE_RATE,
            seed=params.seed or 0,
            speed=params.speed,
            voice=None if clip else params.voice,
            cast={name: await self.requests.voice(name) for name in voices},
            language=params.language or "en",
            options=options if params.normalise else replace(options, normalize=False),
            pronunciations=await self.requests.all_pronunciations(params),
            title=manuscript.title,
            author=manuscript.author,
            cover=manuscript.cover,
            warnings=tuple(dict.fromkeys((*warnings, *reference.warnings, *manuscript.warnings, *notes))),
        )


async def record(synthesizer: Synthesizer, order: PartOrder) -> RecordedPart:
    """Speaks a part of a job.

    Raises:
        ServiceError: it cannot be spoken.
    """
    params = SpeechParams.of({"input": order.text, "seed": order.seed, **order.params})
    policy = synthesizer.policy.changed(strict=params.strict, verify=params.verify, best_of=params.best_of)
    request = SpeechRequest(
        order.text,
        order.reference,
        instruction=params.system_prompt,
        instructions=params.instructions or "",
        sampling=params.sampling,
        normalise=False,
        language=params.language or "en",
        policy=policy,
        background=True,
        streamed=False,
    )
    speech = await synthesizer.speak(request)
    flac = await asyncio.to_thread(_encoded, speech.wav, order.speed)
    return RecordedPart(flac, speech.finished.warnings)


def _chapters(params: SpeechParams, manuscript: Manuscript) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(
            chapter.title,
            # Each cue stays a segment.
            Script(tuple(Segment(cue.text) for cue in chapter.cues))
            if chapter.cues
            else read_markup(chapter.text, chapter.format or params.input_format, code=params.code_blocks),
            tuple(Slot(cue.start, cue.end) for cue in chapter.cues),
        )
        for chapter in manuscript.chapters
    )


def _encoded(wav: Waveform, speed: float) -> bytes:
    if speed != 1:
        tempo = Tempo(min(max(speed, 0.25), 4))
        wav = np.concatenate([tempo.write(wav), tempo.close()])
    return encoded(wav, "flac", SAMPLE_RATE)
