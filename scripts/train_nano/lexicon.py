"""How the known words are pronounced: espeak-ng's own transcriptions, grammar words weak."""

from typing import Final

from . import vocabulary
from .espeak import Espeak
from .phones import STRESSED, VOWELS, from_espeak
from .spelling import LETTERS

WEAK: Final = frozenset(
    vocabulary.words(
        """the a an and or but of to in on at for from with by as is are was were be been am do does has have had
        can could will would shall should must might may he she it we you they i me him her us them my your his
        our their its that this than then so if some any i'm you're he's she's it's we're they're i'll you'll
        we'll"""
    )
)
_OWN: Final = {"a": "ə", "the": "Ðə", "to": "Tʉ", "of": "əV", "and": "əND", "an": "əN", "i": "ī", "for": "FɔR"}


def pronounce(espeak: Espeak) -> dict[str, str]:
    lexicon: dict[str, str] = {}
    for word in vocabulary.KNOWN:
        sounds = _OWN.get(word) or from_espeak(espeak.transcribe(word)).replace("RR", "R")
        lexicon[word] = weak(sounds) if word in WEAK else sounds
    return lexicon | {letter: sounds for letter, sounds in LETTERS.items() if letter not in "ai"}


def weak(sounds: str) -> str:
    """The same without stress."""

    table = {STRESSED[name]: VOWELS[name] for name in STRESSED}
    return "".join(table.get(char, char) for char in sounds)
