"""Text that can be spoken, and how much speech it makes."""

import unicodedata
from typing import Final

from deployments.errors import InvalidText

CODES_A_SECOND: Final = 50
_CJK_A_SECOND: Final = 4.5
_LETTERS_A_SECOND: Final = 15.0
"""Characters read in a second: typical rates, which the bounds below stretch."""


def check_text(text: str, longest: int, param: str) -> str:
    """The text without white space around it.

    Args:
        text: As the caller sent it.
        longest: Characters it may have.
        param: Name of the request's field, for errors.

    Raises:
        InvalidText: empty, too long, or with nothing in it that can be spoken.
    """
    text = text.strip()
    if not text:
        raise InvalidText("The text is empty.", param)
    if len(text) > longest:
        raise InvalidText(f"The text has {len(text)} characters: at most {longest} are taken.", param)
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            raise InvalidText(f"The text holds the control character U+{ord(character):04X}: remove it.", param)
    if not any(unicodedata.category(character)[0] in "LN" for character in text):
        raise InvalidText("The text holds no letter or digit: there is nothing to speak.", param)
    return text


def code_bounds(text: str) -> tuple[int, int]:
    """Fewest and most codes that a take of the text may have.

    A fifth of the expected length, below which a take has surely stopped at once, and three times as much and a
    second, beyond which it has surely run away.
    """
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    seconds = wide / _CJK_A_SECOND + (len(text) - wide) / _LETTERS_A_SECOND
    expected = seconds * CODES_A_SECOND
    return max(1, round(expected / 5)), round(expected * 3) + CODES_A_SECOND
