"""What a text with markup says: segments of words, the pauses between them, and how each is spoken."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from deployments.text.normalisation import normalise
from deployments.text.options import DEFAULT_OPTIONS, NormalizationOptions
from deployments.text.pronunciation import Pronunciations

SayAs = Literal["characters", "digits", "cardinal", "ordinal", "telephone", "date", "time"]
SAY_AS: Final[tuple[SayAs, ...]] = get_args(SayAs)
LONGEST_PAUSE: Final = 10.0
"""Maximum seconds of one pause; longer ones are shortened to it."""
_INLINE: Final = re.compile(
    r"\[pause:\s*(?P<seconds>\d{1,6}(?:\.\d{1,6})?)\s*(?P<unit>ms|s)?\s*\]|\[voice:\s*(?P<voice>[^\[\]\n]{1,100}?)\s*\]"
    r"|(?P<end>\[/voice\])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text that is spoken in one way."""

    text: str
    """What is spoken; empty for a pause at the beginning."""
    pause: float = 0.0
    """Seconds of silence that were asked for after it."""
    voice: str | None = None
    """Name of its voice; None: the request's."""
    rate: float | None = None
    """Speed, 1 for the voice's own; None: the request's."""
    say_as: SayAs | None = None
    written: str | None = None
    """What captions show in place of the text; None: the text."""


@dataclass(frozen=True, slots=True)
class Script:
    """Segments in order."""

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()
    """What of the markup has no effect, in readable sentences."""

    @classmethod
    def of(cls, segments: Iterable[Segment], warnings: Iterable[str] = ()) -> "Script":
        """Returns a script of segments with inline pauses and voices taken out, and without empty ones."""
        return cls(
            tuple(_joined(part for segment in segments for part in _inline(segment))), tuple(dict.fromkeys(warnings))
        )

    @property
    def text(self) -> str:
        """What is spoken, without pauses and voices."""
        return flowing(segment.text for segment in self.segments)

    @property
    def written(self) -> str:
        """What captions show."""
        return flowing(segment.text if segment.written is None else segment.written for segment in self.segments)

    @property
    def has_words(self) -> bool:
        """Whether there is a letter or a digit."""
        return any(character.isalnum() for segment in self.segments for character in segment.text)

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the voices, without repetition, in order."""
        return tuple(dict.fromkeys(segment.voice for segment in self.segments if segment.voice is not None))

    def normalised(
        self,
        language: str = "en",
        options: NormalizationOptions = DEFAULT_OPTIONS,
        pronunciations: Pronunciations | None = None,
        voice: str | None = None,
    ) -> "Script":
        """Returns the script with its segments as the model reads them; captions still show what was written.

        Args:
            language: Language of the text, ISO 639-1, or `auto`.
            options: What is written in words.
            pronunciations: Replace words before normalisation.
            voice: Name of the request's voice.
        """
        read = []
        for segment in self.segments:
            written = segment.text if segment.written is None else segment.written
            text = segment.text
            if segment.say_as and options.normalize:
                text = _said_as(text, segment.say_as)
            elif pronunciations:
                text = pronunciations.apply(text, language, segment.voice or voice)
            read.append(replace(segment, text=normalise(text, language, options), written=written))
        return replace(self, segments=tuple(read))


def _inline(segment: Segment) -> Iterable[Segment]:
    end = 0
    voice = segment.voice
    for tag in _INLINE.finditer(segment.text):
        before = segment.text[end : tag.start()]
        if tag["seconds"]:
            pause = min(float(tag["seconds"]) / (1000 if (tag["unit"] or "").lower() == "ms" else 1), LONGEST_PAUSE)
            yield replace(segment, text=before, pause=pause, voice=voice)
        else:
            yield replace(segment, text=before, pause=0.0, voice=voice)
            voice = tag["voice"] or segment.voice
        end = tag.end()
    yield replace(segment, text=segment.text[end:], voice=voice)


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if not segment.text.strip():
            if last:
                pause = min(last.pause + segment.pause, LONGEST_PAUSE)
                # White space before a voice or a pause still ends a paragraph or parts two words.
                joined[-1] = replace(last, pause=pause, text=last.text + segment.text if not last.pause else last.text)
            elif segment.pause:
                joined.append(replace(segment, text=""))
        elif last and last.text and not last.pause and _manner(last) == _manner(segment):
            joined[-1] = replace(last, text=last.text + segment.text, pause=segment.pause)
        else:
            joined.append(segment)
    return [replace(segment, text=segment.text.strip()) for segment in joined]


def _manner(segment: Segment) -> tuple[object, ...]:
    # A segment with its own captions, or its own reading, stays apart.
    own = segment.text if segment.written is not None or segment.say_as else None
    return segment.voice, segment.rate, segment.say_as, own


def flowing(texts: Iterable[str]) -> str:
    """Joins texts that follow each other, with spaces, but none before punctuation."""
    return re.sub(r"[^\S\n]+(?=[.,;:!?，。；：！？])", "", " ".join(filter(None, texts)))


def _said_as(text: str, say_as: SayAs) -> str:
    if say_as in ("characters", "digits", "telephone"):
        spaced = [character for character in text if not character.isspace()]
        if say_as == "characters":
            return " ".join(spaced)
        return ", ".join(" ".join(group) for group in re.findall(r"\d+", text)) or text
    if say_as == "ordinal" and text.strip().isdecimal():
        number = text.strip()
        suffix = "th" if number[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
        return number + suffix
    if say_as == "cardinal" and text.strip().isdecimal():
        return f"{int(text[:15]):,}"  # not a year
    return text
