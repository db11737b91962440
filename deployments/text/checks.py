"""Text that can be spoken."""

import unicodedata

from deployments.errors import InvalidText


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


def check_ref_text(text: str | None, longest: int) -> str | None:
    """What a clip says, without white space around it; None where nothing is left.

    Args:
        text: As the caller sent it.
        longest: Characters a target text may have; this may have ten times as many.

    Raises:
        InvalidText: too long, or with nothing in it that can be spoken.
    """
    text = (text or "").strip()
    return check_text(text, 10 * longest, "ref_text") if text else None
