"""The names and ids of voices, and the consent to clone them."""

import hashlib
import re
import unicodedata
from typing import Final

from deployments.errors import InvalidInput

BUILT_IN_PREFIX: Final = "builtin_"
"""Of the ids of built-in voices."""
_ID: Final = re.compile(rf"voice_[0-9a-f]{{24}}|{BUILT_IN_PREFIX}[a-z]+")
_LONGEST_NAME: Final = 100
LONGEST_CONSENT: Final = 1000
"""Characters."""
_JOINERS: Final = "\u200c\u200d"
"""Format characters that names need: the first for Persian, the second for sequences of emoji."""
_BLANK: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that look like a space: Hangul fillers, and Braille without a dot."""
_EMOJI: Final = range(0x1F000, 0x1FB00)
"""Blocks of pictographs."""


def normal_name(name: str) -> str:
    """Returns the form of a voice's name that is stored, compared and looked up.

    Unicode's composed form (NFC), without surrounding white space, and with single spaces inside.
    """
    return " ".join(unicodedata.normalize("NFC", name).split())


def voice_id(name: str) -> str:
    """Returns the id of a voice by its name."""
    return _digest(normal_name(name))


def id_of(key: str) -> str:
    """Returns the id of a voice by its name or id."""
    name = normal_name(key)
    return name if _ID.fullmatch(name) else voice_id(name)


def check_name(name: str) -> str:
    """Validates the name of a voice; returns its normal form.

    Raises:
        InvalidInput: the name is empty or too long, has no visible character, or has a forbidden one.
    """
    name = normal_name(name)
    if not name:
        raise InvalidInput("The name is empty.", "name")
    if len(name) > _LONGEST_NAME:
        raise InvalidInput(f"The name has {len(name)} characters: at most {_LONGEST_NAME} are taken.", "name")
    if any(character in "/\\" or _category(character)[0] == "C" for character in name if character not in _JOINERS):
        raise InvalidInput("The name holds a slash, a backslash or a control character: remove it.", "name")
    if not is_visible(name):
        raise InvalidInput("The name has no visible character.", "name")
    if _ID.fullmatch(name) or name in (".", ".."):
        raise InvalidInput(f"A voice cannot be named {name!r}: choose another name.", "name")
    return name


def check_consent(consent: str) -> str:
    """Returns the consent to clone a voice without surrounding white space.

    Raises:
        InvalidInput: the consent is too long, or has no visible character.
    """
    consent = consent.strip()
    if len(consent) > LONGEST_CONSENT or not is_visible(consent):
        raise InvalidInput(
            f"Say whose voice it is, and how they agreed, in at most {LONGEST_CONSENT} characters.", "consent"
        )
    return consent


def is_visible(text: str) -> bool:
    """Returns whether a text has a visible character: not only spaces, joiners and marks."""
    return any(_category(character)[0] not in "CZM" and character not in _BLANK for character in text)


def _category(character: str) -> str:
    # Python's tables lag behind the newest emoji.
    return "So" if ord(character) in _EMOJI else unicodedata.category(character)


def _digest(name: str) -> str:
    return "voice_" + hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:24]


def older_id(key: str) -> str:
    """Returns the id that older versions gave a name: they kept its white space."""
    return _digest(unicodedata.normalize("NFC", key.strip()))
