"""Digits to words, as patterns that a tokenizer can hold: each digit by what follows it."""

from typing import Final

from .spelling import Rules
from .vocabulary import words

_ONES: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_LARGE: Final = "(?<=thousand |million |billion )"


def _rules() -> Rules:
    rules: Rules = [(r"(?<=\d),(?=\d{3}(?!\d))", ""), (r"(?<=\d)\.(?=\d)", " point ")]
    rules += [
        (rf"(?<!\d){d}{end}(?![a-z])", word)
        for d, end, word in ((1, "st", "first"), (2, "nd", "second"), (3, "rd", "third"))
    ]
    rules.append((r"(?<=\d)(?:st|nd|rd|th|s)(?![a-z])", ""))
    for zeros, name in ((9, "billion"), (6, "million"), (3, "thousand")):
        rules += [(rf"{d}(?=\d{{{zeros}}}(?!\d))", f"{d} {name} ") for d in range(10)]
    rules += [("000 thousand ", ""), ("000 million ", ""), (rf"{_LARGE}000(?!\d)", ""), (r"0(?=\d\d(?!\d))", "")]
    rules += [(rf"{d}(?=\d\d(?!\d))", f" {word} hundred ") for d, word in enumerate(_ONES)]
    rules.append((r"(?<=hundred )00(?!\d)", ""))
    rules += [(rf"1{d}(?!\d)", f" {word} ") for d, word in enumerate(_TEENS)]
    rules += [(rf"{d}(?=\d(?!\d))", f" {word} ") for d, word in enumerate(_TENS, 2)]
    rules += [(r"0(?=\d(?!\d))", ""), (r"(?<=ty )0(?!\d)", "")]
    return rules + [(str(d), f" {word} ") for d, word in enumerate(_ONES)]


RULES: Final[Rules] = _rules()
