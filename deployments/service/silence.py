"""The speech of a text without words, such as an ellipsis or an emoji."""

import unicodedata
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np

from deployments.synthesis.events import Audio, Finished, SpeechEvent
from deployments.xcodec2.protocol import SAMPLE_RATE

_SECONDS: Final = 0.3
_WARNING: Final = "The text holds no letter or digit: the speech is a short silence."


def is_wordless(text: str) -> bool:
    """Returns whether a text has visible characters, but no letter, digit or control character."""
    kinds = {unicodedata.category(character) for character in text if not character.isspace()}
    return bool(kinds) and not any(kind[0] in "LN" or kind in ("Cc", "Cs") for kind in kinds)


async def silent_speech(seed: int) -> AsyncGenerator[SpeechEvent, None]:
    """Yields a short silence, with a warning.

    Voice pipelines send sentence by sentence, and a sentence that is only an emoji must not end the conversation.
    """
    yield Audio(np.zeros(round(_SECONDS * SAMPLE_RATE), np.float32))
    yield Finished("stop", seed, "", warnings=(_WARNING,))
