"""Reads what a caller sends: texts, clips and names of voices."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO

from deployments.audio.clip import AudioReader, ReferenceClip
from deployments.errors import InvalidInput
from deployments.service.backend import Clip
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import PronunciationStore
from deployments.service.remote_clip import clip_reader
from deployments.service.retry import with_retries
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.text.checks import check_ref_text, check_text
from deployments.text.markup import read_markup
from deployments.text.pronunciation import Pronunciation, Pronunciations
from deployments.text.script import Script
from deployments.voices.reference import Reference
from deployments.xcodec2.protocol import Waveform

Dialogue = Sequence[tuple[str, str]]
"""Voices and what they say, in order."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Turns parameters of speech into requests to the synthesizer."""

    settings: Settings
    audio: AudioReader
    voices: Voices
    pronunciations: PronunciationStore
    policy: Policy

    async def read(
        self, params: SpeechParams, clip: Clip | None, *, streamed: bool, dialogue: Dialogue = ()
    ) -> SpeechRequest:
        """Returns the request for parameters that have their defaults.

        Args:
            params: What to say.
            clip: Used instead of a stored voice.
            streamed: Whether the first part is yielded while it is recorded.
            dialogue: Spoken instead of the text of the parameters.

        Raises:
            InvalidText: the text or the clip's text cannot be used, or the markup cannot be read.
            InvalidAudio: the clip cannot be used.
            InvalidInput: there is neither a voice nor a clip.
            NotFound: there is no such voice.
        """
        param = "inputs" if dialogue else "input"
        text = "\n".join(text for _, text in dialogue) if dialogue else params.input
        text = check_text(text, self.settings.max_text_length, param)
        ref_text = check_ref_text(params.ref_text, self.settings.max_text_length)
        reference, warnings = await self.reference(params.voice, clip)
        script = await asyncio.to_thread(_script, dialogue or [(None, text)], params, param)
        return SpeechRequest(
            script,
            reference,
            ref_text,
            params.system_prompt,
            params.sampling,
            params.instructions or "",
            normalise=params.normalise,
            options=params.normalization_options,
            pronunciations=Pronunciations([*await self.all_pronunciations(params)]),
            voice=None if clip else params.voice,
            cast={name: await self.voice(name) for name in script.voices},
            language=params.language or "en",
            policy=self.policy.changed(
                strict=params.strict,
                verify=params.verify,
                best_of=params.best_of,
                reference_check=params.ref_check,
            ),
            streamed=streamed,
            warnings=warnings,
        )

    async def clip(self, clip: Clip) -> ReferenceClip:
        """Returns a decoded reference clip."""
        return await self.audio.clip(await self.file(clip), clip.param)

    async def file(self, clip: Clip) -> IO[bytes] | bytes:
        """Returns the file of a clip, which is fetched if it is given by its URL."""
        return clip.file if clip.url is None else await clip_reader(self.settings).read(clip.url, clip.param)

    async def all_pronunciations(self, params: SpeechParams) -> tuple[Pronunciation, ...]:
        """Returns the stored pronunciations, then the request's."""
        stored = await asyncio.to_thread(self.pronunciations.list)
        return (*(entry.pronunciation for entry in stored), *params.pronunciations)

    async def reference(self, voice: str | None, clip: Clip | None) -> tuple[Waveform | Reference, tuple[str, ...]]:
        """Returns the clip's samples, or the voice, and warnings.

        Raises:
            InvalidInput: there is neither.
            InvalidAudio: the clip cannot be used.
            NotFound: there is no such voice.
        """
        if clip:
            read = await self.clip(clip)
            return read.wav, read.warnings
        if not voice:
            raise InvalidInput("Give a voice or a clip.", "voice")
        return await self.voice(voice), ()

    async def voice(self, name: str) -> Reference:
        """Returns a voice by its name or id."""
        return await with_retries(lambda: self.voices.reference(name))


def _script(turns: Sequence[tuple[str | None, str]], params: SpeechParams, param: str) -> Script:
    """Reads the markup of each turn; a turn of a dialogue keeps to its voice."""
    read = [
        (voice, read_markup(text, params.input_format, code=params.code_blocks, param=param)) for voice, text in turns
    ]
    segments = [replace(each, voice=voice or each.voice) for voice, script in read for each in script.segments]
    return Script(tuple(segments), tuple(dict.fromkeys(warning for _, script in read for warning in script.warnings)))
