"""The sounds of English, one character each, and espeak-ng's names for them.

A vowel has two characters: lower case is weak, upper case is stressed. Consonants are capitals
of ASCII or Greek, so that no letter of a text (lower case by then) is ever taken for a sound.
"""

from typing import Final

CONSONANTS: Final[dict[str, str]] = {
    "p": "P", "b": "B", "t": "T", "d": "D", "tS": "C", "dZ": "J", "k": "K", "g": "G",
    "f": "F", "v": "V", "T": "Θ", "D": "Ð", "s": "S", "z": "Z", "S": "Σ", "Z": "Ж", "h": "H",
    "m": "M", "n": "N", "N": "Ŋ", "l": "L", "r": "R", "w": "W", "j": "Y",
}  # fmt: skip
VOWELS: Final[dict[str, str]] = {
    "@": "ə", "3": "ɜ", "a": "æ", "A:": "ɑ", "E": "ɛ", "I": "ɪ", "i:": "ɨ", "O:": "ɔ", "U": "ʊ",
    "u:": "ʉ", "V": "ʌ", "eI": "ē", "aI": "ī", "OI": "ȯ", "oU": "ō", "aU": "ū",
}  # fmt: skip
STRESSED: Final[dict[str, str]] = {name: char.upper() for name, char in VOWELS.items() if name != "@"}
COMMA: Final = "‚"
STOP: Final = "․"
UNKNOWN: Final = "¿"
"""What no rule can read; spoken as a plain vowel, so that it is heard, and counted by the service."""
VOICELESS: Final = frozenset("PTCKFΘSΣH")
PHONES: Final[str] = "".join([*CONSONANTS.values(), *VOWELS.values(), *STRESSED.values()])
SYMBOLS: Final[str] = PHONES + COMMA + STOP + UNKNOWN
EDGE: Final = " "
"""Silence before and after speech."""

# espeak's finer distinctions, in terms of the inventory above
_SAME: Final[dict[str, list[str]]] = {
    "A@": ["A:", "r"], "e@": ["E", "r"], "O@": ["O:", "r"], "o@": ["O:", "r"], "U@": ["U", "r"],
    "i@3": ["i:", "3"], "i@": ["i:", "@"], "aI@": ["aI", "@"], "aI3": ["aI", "3"], "aU@": ["aU", "@"],
    "@L": ["@", "l"], "n-": ["@", "n"], "t#": ["d"], "t2": ["t"], "?": ["t"], "I2": ["I"], "I#": ["I"],
    "i": ["i:"], "O2": ["O:"], "O": ["O:"], "0": ["A:"], "0#": ["@"], "@2": ["@"], "@5": ["@"], "a#": ["@"],
    "3:": ["3"], "aa": ["a"], "A": ["A:"], "u": ["u:"], "E#": ["@"], "z#": ["z"], "l^": ["l"], "L": ["l"],
    "d#": ["d"], "r-": ["r"], "w#": ["w"], "x": ["k"], "VR": ["3"], "E2": ["I"], "oU#": ["oU"], "e:": ["eI"],
    "o:": ["oU"], "ts": ["t", "s"], "m-": ["@", "m"], "N-": ["@", "N"], "@-": ["@"], "l#": ["l"],
    "hw": ["w"], "a:": ["A:"], "I@": ["i:", "@"], "3#": ["3"], "e": ["E"], "oU2": ["oU"], "eI2": ["eI"],
}  # fmt: skip


def from_espeak(mnemonics: str) -> str:
    """Characters of one transcription by espeak, its phonemes parted by `_`, words by spaces."""
    sounds: list[str] = []
    for name in mnemonics.replace(" ", "_").split("_"):
        stressed = name.startswith(("'", ","))
        name = (
            name.strip("',%=|:;!")
            if name.strip("',%=|;!") not in _SAME | VOWELS | CONSONANTS
            else name.strip("',%=|;!")
        )
        for part in _SAME.get(name, [name] if name else []):
            if part in VOWELS:
                sounds.append(STRESSED.get(part, VOWELS[part]) if stressed else VOWELS[part])
            elif part in CONSONANTS:
                sounds.append(CONSONANTS[part])
            else:
                raise ValueError(f"espeak's phoneme {part!r} in {mnemonics!r} has no character")
    return "".join(sounds)


def to_espeak(symbols: str) -> str:
    """What `[[…]]` of espeak speaks as these characters."""
    names = {char: name for name, char in (CONSONANTS | VOWELS).items()}
    names |= {char: "'" + ("3:" if name == "3" else name) for name, char in STRESSED.items()}
    return "||".join(names[char] for char in symbols)
