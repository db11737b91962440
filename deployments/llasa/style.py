"""The system message of checkpoints with captions: nine lines that describe the speech."""

import re
from typing import Final

KEYS: Final = ("emotion", "profile", "mood", "speed", "prosody", "pitch_timbre", "style", "notes", "caption")
"""In the order of the training texts of Anime-Llasa-3B-Captions."""
_LINE: Final = re.compile(rf"\s*({'|'.join(KEYS)})\s*[:\uff1a]\s*(.*?)\s*", re.IGNORECASE)


def style_lines(instructions: str) -> str:
    """Returns the nine lines for instructions.

    A line such as `emotion: sad` sets one of them. All other text is the caption. Missing ones are empty, as in
    training.
    """
    values: dict[str, list[str]] = {key: [] for key in KEYS}
    for line in instructions.splitlines():
        match = _LINE.fullmatch(line)
        values[match[1].lower() if match else "caption"].append(match[2] if match else line.strip())
    return "\n".join(f"{key}: {' '.join(filter(None, values[key]))}" for key in KEYS)
