"""Capabilities of a Whisper checkpoint."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from faster_whisper import WhisperModel


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a checkpoint, from its tokenizer."""

    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages it knows (and a few three-letter ones)."""
    takes_prompt: bool = True
    """Whether it accepts a prompt: text spoken before the clip."""
    translates: bool = True
    """Whether it translates into English."""

    @property
    def english_only(self) -> bool:
        return self.languages == ("en",)

    @classmethod
    def of(cls, model: "WhisperModel") -> Self:
        """Reads the capabilities from a loaded checkpoint."""

        def knows(token: str) -> bool:
            return model.hf_tokenizer.token_to_id(f"<|{token}|>") is not None

        multilingual = model.model.is_multilingual
        # faster-whisper lists all languages of the newest Whisper, even those that a tokenizer lacks.
        languages = sorted(code for code in model.supported_languages if not multilingual or knows(code))
        return cls(
            tuple(languages),
            takes_prompt=knows("startofprev"),
            translates=multilingual and knows("translate"),
        )
