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
    said: list[str] = []
    stressed = False
    phonemes = phonemes.replace("tʃ", "ʧ").replace("dʒ", "ʤ")
    skip = False
    for i, char in enumerate(phonemes):
        if skip:
            skip = False
            continue
        if char in _STRESSES:
            stressed = char in strong
        elif char in _VOWELS:
            name = _VOWELS[char]
            if char in _RHOTIC and phonemes[i + 1 : i + 2] in ("ɹ", "r"):
                name, skip = "3", True
                after = phonemes[i + 2 : i + 3]
                if after and (after in _VOWELS or after in _STRESSES):
                    skip = False  # the r opens the next syllable, and is spoken
            said.append(STRESSED.get(name, VOWELS[name]) if stressed else VOWELS[name])
            stressed = False
        elif char in _CONSONANTS:
            said.append(CONSONANTS[_CONSONANTS[char]])
        elif char in _PAUSES:
            if said and said[-1] not in (COMMA, STOP):
                said.append(_PAUSES[char])
        elif char not in "ː \u200d\u0303'\"“”()-":
            raise ValueError(f"misaki's {char!r} in {phonemes!r} has no sound")
    return "".join(said)
