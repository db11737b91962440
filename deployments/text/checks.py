"""Validates texts to be spoken."""

import unicodedata

from deployments.errors import InvalidText


def check_text(text: str, longest: int, param: str) -> str:
    """Returns the text without surrounding white space.

    Args:
        text: As the caller sent it.
        longest: Maximum characters.
        param: Name of the request's field, for errors.

    Raises:
        InvalidText: the text is empty, too long, or has a control character.
    """
    text = text.strip()
    if not text:
        raise InvalidText("The text is empty.", param)
    if len(text) > longest:
        raise InvalidText(f"The text has {len(text)} characters: at most {longest} are taken.", param)
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t\f\v\x85":
            raise InvalidText(f"The text holds the control character U+{ord(character):04X}: remove it.", param)
    return text


def check_ref_text(text: str | None, longest: int) -> str | None:
    """Returns the clip's transcript without surrounding white space; None if nothing is left.

    Args:
        text: As the caller sent it.
        longest: Maximum characters of a target text; this text may have ten times as many.

    Raises:
        InvalidText: the text is too long, or has nothing that can be spoken.
    """
    text = (text or "").strip()
    if text and not any(character.isalnum() for character in text):
        raise InvalidText("The text of the clip has no letters or digits: send its words, or none.", "ref_text")
    return check_text(text, 10 * longest, "ref_text") if text else None
