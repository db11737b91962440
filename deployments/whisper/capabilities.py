"""What a Whisper checkpoint can do."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from faster_whisper import WhisperModel


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a checkpoint can do, by its tokenizer and its generation config."""

    languages: tuple[str, ...]
    """ISO 639-1 codes of the languages it knows (and a few three-letter ones)."""
    takes_prompt: bool = True
    """Whether it continues a text that is given as spoken before the clip."""
    translates: bool = True
    """Whether it translates into English."""

    @classmethod
    def of(cls, model: "WhisperModel", folder: Path) -> Self:
        """Reads them from a loaded checkpoint and its folder."""

        def knows(token: str) -> bool:
            return model.hf_tokenizer.token_to_id(f"<|{token}|>") is not None

        multilingual = model.model.is_multilingual
        # faster-whisper lists all languages of the newest Whisper. Where a tokenizer lacks one, it would leave it out.
        languages = sorted(code for code in model.supported_languages if not multilingual or knows(code))
        return cls(
            tuple(languages),
            takes_prompt=knows("startofprev") and not _is_without_prompt(folder),
            translates=multilingual and knows("translate"),
        )


def _is_without_prompt(folder: Path) -> bool:
    """Whether the checkpoint says so: `prev_sot_token_id` of transformers' generation config is there, and null.

    Such a checkpoint has the token, but was not trained with it: after a prompt it writes nothing. Most folders in
    CTranslate2's format have no generation config.
    """
    try:
        config = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("prev_sot_token_id", 0) is None
