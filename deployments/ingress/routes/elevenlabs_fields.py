"""The fields of ElevenLabs' requests and responses."""

import base64
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, Field, FiniteFloat

from deployments.audio.encoder import Format
from deployments.errors import UnprocessableInput
from deployments.service.bodies import IGNORED, JsonBody, parse
from deployments.service.languages import SpokenLanguage
from deployments.service.parameters import SpeechParams
from deployments.settings import Seed
from deployments.voices.store import Voice
from deployments.whisper.protocol import Word

_FORMAT: Final = re.compile(rf"({'|'.join(get_args(Format))})_(\d{{4,5}})(?:_\d+)?")


class VoiceSettings(JsonBody):
    """How to speak. All but the speed have no effect."""

    speed: Annotated[FiniteFloat, Field(ge=0.25, le=4)] = 1.0


class ElevenBody(JsonBody):
    """The fields of a request."""

    text: Annotated[str, Field(description="What to say.", examples=["Hello, this is my voice."])]
    model_id: Annotated[str | None, Field(description="Any name: there is one model."), IGNORED] = None
    language_code: Annotated[SpokenLanguage, Field(description="Language of the text.")] = "en"
    seed: Seed | None = None
    voice_settings: VoiceSettings = VoiceSettings()

    @property
    def ignored(self) -> list[str]:
        """Fields that have no effect, also those of `voice_settings`."""
        return [*super().ignored, *(f"voice_settings.{name}" for name in self.voice_settings.ignored)]

    def params(self, voice: str, output: str) -> SpeechParams:
        """Returns the parameters of the speech.

        Args:
            voice: Name or id of the voice.
            output: Codec, Hz and perhaps kbit/s, as `mp3_44100_128`.

        Raises:
            UnprocessableInput: there is no such format.
        """
        match = _FORMAT.fullmatch(output)
        if not match or not 8_000 <= int(match[2]) <= 48_000:
            raise UnprocessableInput(
                f"There is no format {output[:50]!r}: give a codec ({', '.join(get_args(Format))}) and Hz, such as "
                "mp3_44100_128.",
                "output_format",
            )
        values = {
            "input": self.text,
            "voice": voice,
            "language": self.language_code,
            "seed": self.seed,
            "speed": self.voice_settings.speed,
            "response_format": match[1],
            "sample_rate": int(match[2]),
        }
        return parse(SpeechParams, values)


class ElevenVoice(BaseModel):
    """A voice."""

    voice_id: str
    name: str
    category: str = Field(description="`premade` or `cloned`.")
    labels: dict[str, str] = {}
    preview_url: str = Field(description="Path of a sample.")

    @classmethod
    def of(cls, voice: Voice) -> Self:
        """Returns a voice of this service."""
        return cls(
            voice_id=voice.id,
            name=voice.name,
            category="premade" if voice.built_in else "cloned",
            preview_url=f"/v1/audio/voices/{voice.id}/sample",
        )


class ElevenVoices(BaseModel):
    """All voices."""

    voices: list[ElevenVoice]
    has_more: Literal[False] = False
    total_count: int


class Alignment(BaseModel):
    """The times of the characters of a text, in seconds."""

    characters: list[str]
    character_start_times_seconds: list[float]
    character_end_times_seconds: list[float]

    @classmethod
    def of(cls, text: str, words: Sequence[Word]) -> Self:
        """Shares the time of each word between its characters. What is between words lasts no time."""
        starts, ends = [0.0] * len(text), [0.0] * len(text)
        at, last = 0, 0.0
        for word in words:
            first = text.find(word.text, at)
            if first < 0:  # not as it was written, as in markup
                continue
            starts[at:first] = ends[at:first] = [last] * (first - at)
            step = (word.end - word.start) / len(word.text)
            at = first + len(word.text)
            starts[first:at] = [round(word.start + step * n, 3) for n in range(len(word.text))]
            ends[first:at] = [round(word.start + step * (n + 1), 3) for n in range(len(word.text))]
            last = word.end
        starts[at:] = ends[at:] = [last] * (len(text) - at)
        return cls(characters=list(text), character_start_times_seconds=starts, character_end_times_seconds=ends)


class TimedSpeech(BaseModel):
    """Speech with the times of its characters, or a piece of it."""

    audio_base64: str
    alignment: Alignment | None
    normalized_alignment: Alignment | None = Field(description="The same: times are those of the text as written.")

    @classmethod
    def of(cls, data: bytes, alignment: Alignment | None) -> Self:
        """Returns a file, or a piece of it, with the times of its text."""
        audio = base64.b64encode(data).decode()
        return cls(audio_base64=audio, alignment=alignment, normalized_alignment=alignment)
