"""The phonemes of misaki (Kokoro's, and its lexica's) in terms of our sounds."""

from typing import Final

from .phones import COMMA, CONSONANTS, STOP, STRESSED, VOWELS

_CONSONANTS: Final[dict[str, str]] = {
    "b": "b", "d": "d", "f": "f", "h": "h", "j": "j", "k": "k", "l": "l", "m": "m", "n": "n", "p": "p", "s": "s",
    "t": "t", "v": "v", "w": "w", "z": "z", "ɡ": "g", "g": "g", "ŋ": "N", "ɹ": "r", "r": "r", "ʃ": "S", "ʒ": "Z",
    "ð": "D", "θ": "T", "ʤ": "dZ", "ʧ": "tS", "ɾ": "d", "T": "d", "ʔ": "t", "x": "k",
}  # fmt: skip
_VOWELS: Final[dict[str, str]] = {
    "ə": "@", "ᵊ": "@", "i": "i:", "u": "u:", "ɑ": "A:", "ɔ": "O:", "ɛ": "E", "ɜ": "3", "ɚ": "3", "ɪ": "I", "ᵻ": "I",
    "ʊ": "U", "ʌ": "V", "A": "eI", "I": "aI", "Y": "OI", "O": "oU", "Q": "oU", "W": "aU", "æ": "a", "a": "a",
    "ɒ": "A:", "ɐ": "@", "e": "E", "o": "oU",
}  # fmt: skip
_PAUSES: Final = dict.fromkeys(",;:—–…", COMMA) | dict.fromkeys(".!?", STOP)
_AFFRICATES: Final = {"tʃ": "tS", "dʒ": "dZ"}
_RHOTIC: Final = {"ə": "ɜ", "ɜ": "ɜ"}
_STRESSES: Final = "ˈˌ"


def sounds(phonemes: str, strong: str = _STRESSES) -> str:
    """Our symbols for a transcription.

    Args:
        phonemes: By misaki: American or British.
        strong: The stress marks that make a vowel a stressed one.

    Raises:
        ValueError: there is a phoneme that no sound of ours stands for.
    """
    said = ""
    for symbol, _ in placed(phonemes, strong):
        if symbol not in (COMMA, STOP) or (said and said[-1] not in (COMMA, STOP)):
            said += symbol
    return said


def placed(phonemes: str, strong: str = _STRESSES) -> list[tuple[str, int]]:
    """Likewise, each with where its phoneme stands in the transcription; all pauses."""
    said: list[tuple[str, int]] = []
    stressed = skip = False
    for i, char in enumerate(phonemes):
        if skip:
            skip = False
            continue
        if char in _STRESSES:
            stressed = char in strong
        elif char in "td" and phonemes[i + 1 : i + 2] in ("ʃ", "ʒ") and phonemes[i : i + 2] in _AFFRICATES:
            said.append((CONSONANTS[_AFFRICATES[phonemes[i : i + 2]]], i))
            skip = True
        elif char in _VOWELS:
            name = _VOWELS[char]
            if char in _RHOTIC and phonemes[i + 1 : i + 2] in ("ɹ", "r"):
                after = phonemes[i + 2 : i + 3]
                name, skip = "3", not after or (after not in _VOWELS and after not in _STRESSES)
            said.append((STRESSED.get(name, VOWELS[name]) if stressed else VOWELS[name], i))
            stressed = False
        elif char in _CONSONANTS:
            said.append((CONSONANTS[_CONSONANTS[char]], i))
        elif char in _PAUSES:
            said.append((_PAUSES[char], i))
        elif char not in "ː \u200d\u0303'\"“”()-":
            raise ValueError(f"misaki's {char!r} in {phonemes!r} has no sound")
    return said
