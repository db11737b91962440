"""Capabilities of a Whisper checkpoint."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from faster_whisper import WhisperModel


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a checkpoint, from its tokenizer and its generation config."""

    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages it knows (and a few three-letter ones)."""
    takes_prompt: bool = True
    """Whether it accepts a prompt: text spoken before the clip."""
    translates: bool = True
    """Whether it translates into English."""

    @classmethod
    def of(cls, model: "WhisperModel", folder: Path) -> Self:
        """Reads the capabilities from a loaded checkpoint and its folder."""

        def knows(token: str) -> bool:
            return model.hf_tokenizer.token_to_id(f"<|{token}|>") is not None

        multilingual = model.model.is_multilingual
        # faster-whisper lists all languages of the newest Whisper, even those that a tokenizer lacks.
        languages = sorted(code for code in model.supported_languages if not multilingual or knows(code))
        return cls(
            tuple(languages),
            takes_prompt=knows("startofprev") and not _is_without_prompt(folder),
            translates=multilingual and knows("translate"),
        )


def _is_without_prompt(folder: Path) -> bool:
    """Whether the checkpoint forbids prompts: `prev_sot_token_id` of the generation config is present and null.

    Such a checkpoint has the token, but was not trained with it: after a prompt it writes nothing. Most folders in
    CTranslate2's format have no generation config.
    """
    try:
        config = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("prev_sot_token_id", 0) is None
