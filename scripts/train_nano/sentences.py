"""Sentences over the vocabulary, endless and seeded."""

import random
from typing import Final

from . import vocabulary as v

_PEOPLE, _THINGS, _ADJECTIVES = v.words(v.PEOPLE), v.words(v.THINGS), v.words(v.ADJECTIVES)
_VERBS, _THIRD, _PAST = v.words(v.VERBS), v.words(v.THIRD), v.words(v.PAST)
_INTRANSITIVE, _PLAIN, _GERUNDS = v.words(v.INTRANSITIVE), v.words(v.PLAIN), v.words(v.GERUNDS)
_ADVERBS, _PREPOSITIONS, _PLURALS = v.words(v.ADVERBS), v.words(v.PREPOSITIONS), v.words(v.PLURALS)
_UNITS, _TENS = v.words(v.UNITS), v.words(v.TENS)
_OPENERS: Final = [opener.strip() for opener in v.OPENERS.split("|")]
_CALENDAR: Final = v.words(v.DAYS + " " + v.MONTHS)


class Sentences:
    def __init__(self, seed: int) -> None:
        self._r = random.Random(seed)

    def _one(self, group: str | list[str]) -> str:
        return self._r.choice(group.split() if isinstance(group, str) else group)

    def _noun(self) -> str:
        return self._one(_PEOPLE if self._r.random() < 0.25 else _THINGS)

    def _phrase(self) -> str:
        k = self._r.random()
        if k < 0.35:
            return f"{self._one(v.DETERMINERS)} {self._noun()}"
        if k < 0.7:
            return f"{self._one(v.DETERMINERS)} {self._one(_ADJECTIVES)} {self._noun()}"
        if k < 0.85:
            return f"{self._one(v.PLURAL_DETERMINERS)} {self._one(_PLURALS)}"
        if k < 0.93:
            return f"{self.number()} {self._one(_PLURALS)}"
        return self._one(v.OBJECTS)

    def number(self) -> str:
        k, units, tens = self._r.random(), self._one(_UNITS), self._one(_TENS)
        if k < 0.4:
            return units
        if k < 0.6:
            return tens
        if k < 0.85:
            return f"{tens} {self._one(_UNITS[1:10])}"
        return (
            f"{self._one(_UNITS[1:10])} {self._one(['hundred', 'thousand', 'million'])} {self._r.choice([tens, units])}"
        )

    def _place(self) -> str:
        return f"{self._one(_PREPOSITIONS)} {self._phrase()}"

    def _clause(self) -> str:
        one, phrase = self._one, self._phrase
        match self._r.randrange(16):
            case 0:
                return f"{phrase()} {one(_INTRANSITIVE)}"
            case 1:
                return f"{one(v.PRONOUNS)} {one(_VERBS)} {phrase()}"
            case 2:
                return f"{one(_OPENERS)}, {one(v.PRONOUNS)} {one(_VERBS)} it"
            case 3:
                return f"{one(_ADVERBS)} {one(v.SINGULAR)} {one(_INTRANSITIVE)}"
            case 4:
                return " ".join(self.number() for _ in range(self._r.randint(1, 3)))
            case 5:
                return f"{phrase()} {one(_THIRD + _PAST)} {phrase()}"
            case 6:
                return f"{phrase()} {one(_INTRANSITIVE)} {self._place()}"
            case 7:
                return f"{one(v.SINGULAR)} {one(_THIRD + _PAST)} {phrase()} {self._place()}"
            case 8:
                return (
                    f"{one('can could will would should do did must may')} {one(v.PRONOUNS)} {one(_VERBS)} {phrase()}"
                )
            case 9:
                return f"{one('what who where why how when')} {one('is are was were will can did')} {phrase()} {one(_PLAIN)}"
            case 10:
                return f"{phrase()} {one('is was')} {one(_ADJECTIVES)} {one('and or but not')} {one(_ADJECTIVES)}"
            case 11:
                return f"{one(v.PRONOUNS)} {one('are were')} {one(_GERUNDS)} {self._place()} {one(_ADVERBS)}"
            case 12:
                return f"{one(v.PRONOUNS)} {one(_PLAIN)} {one('because if when while so')} {one(v.SINGULAR)} {one(_PAST)} {phrase()}"
            case 13:
                return f"{one(_GRAMMAR)} {one(_ADVERBS)} {one(_PLAIN + _GERUNDS)} {one('on in since until')} {one(_CALENDAR)}"
            case _:
                return self.jumble(self._r.randint(2, 6))

    def jumble(self, count: int) -> str:
        """Any known words, so that none is rare."""
        return " ".join(self._r.choice(v.KNOWN) for _ in range(count))

    def sentence(self) -> str:
        """Words in lower case, as one clause or two parted by a comma, with its closing mark."""
        clause = self._clause()
        if len(clause.split()) < 5 and self._r.random() < 0.3:
            clause += ", " + self._clause()
        return clause + self._r.choice("....?!")


_GRAMMAR: Final = v.words(v.GRAMMAR.replace("-", ""))
