"""Reads what mixes letters, digits and signs in English: codes, Roman numerals and symbols."""

import re
from itertools import pairwise
from typing import Final

from deployments.text.dates import spell_year
from deployments.text.grammars import read
from deployments.text.money import SCALES
from deployments.text.numerals import AMOUNT, parse_number, spell_amount, spell_number, spell_pairs

MIXED: Final = re.compile(
    r"(?<![^\s(\[\"'“‘;!?–—\U000f0000-\U0010fffd])(?<!\d[;!?])[^\W_](?:[\w'+/.-]*[^\W_])?(?![\w@#$€£¥%&=°+*/²³]|[.,:]\w)"
)
"""A word with digits: H2O, GPT-4, 7-eleven, 3.10-rc1."""
_PIECE: Final = re.compile(r"(?P<letters>[^\W\d_]+)|(?P<digits>\d+(?:\.\d+)?(?!\d))|(?P<mark>['+/._-]+)")
MULTIPLE: Final = re.compile(rf"(?<![\w.,:/$-])({AMOUNT})(bn|mn|tn|[kKMB](?= (?:people|[a-z]+s)\b))(?!\w)")
_JOINED: Final = re.compile(r"\d['_]\d|^[\d/-]*/[\d/-]*-[\d/-]*$|^[\d/-]*-[\d/-]*/[\d/-]*$")
"""12'500, 1_000, 1/2-3/4"""
_PREFIX: Final = re.compile(r"[a-z]{3}-$")
_LINES: Final = re.compile(r"(\d{3,4})([pi])")
PENSION: Final = re.compile(r"\b(40[13]|457|529)\(?([kb])\)?(?!\w)")
_WORDS_BEFORE: Final = (
    "chapter|part|section|volume|vol\\.|book|act|scene|article|appendix|figure|table|phase|level|type|war|episode|season|"
    "title|class|stage|step|tier|unit|round|lesson|exercise|group|division|category|factor|item|note|page"
)
_KINGS: Final = (
    "louis|henry|elizabeth|charles|george|william|edward|richard|james|mary|philip|ferdinand|frederick|napoleon|"
    "catherine|peter|alexander|nicholas|ivan|john|paul|pius|leo|gregory|benedict|clement|innocent|urban|francis|"
    "otto|ludwig|leopold|albert|rudolf|ramesses|ptolemy|cleopatra|victor|umberto|carl|gustav|christian|harald|olaf"
)
ROMAN: Final = re.compile(
    rf"\b(?P<before>(?i:{_WORDS_BEFORE})|(?P<king>(?i:{_KINGS}))|[A-Z][a-z]+|[A-Z]{{2,}}) "
    r"(?P<roman>[IVXLCDM]+)(?![\w'-]|\.\w)"
)
_ROMAN: Final = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
HANDLE: Final = re.compile(r"(?<![\w@.])@(?=\w)")
PLURAL: Final = re.compile(r"(?<=[^\W\d_])\((e?s)\)")
_SYMBOLS: Final = {
    **{"%": "percent", "&": "and", "+": "plus", "=": "equals", "°": "degrees", "@": "at", "№": "number"},
    **{"×": "times", "÷": "divided by", "±": "plus or minus", "≈": "about", "≠": "is not equal to", "$": "dollar"},
    **{"≤": "at most", "≥": "at least", "→": "to", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"},
    **{
        "¢": "cent",
        "‰": "per mille",
        "∞": "infinity",
        "√": "square root of",
        "§": "section",
        "²": "squared",
        "³": "cubed",
        "¶": "paragraph",
    },
}
_SPELLED: Final = re.compile("|".join(rf" ?{re.escape(symbol)} ?" for symbol in _SYMBOLS))
_HELD: Final = "\U000f0000-\U0010fffd"
"""What a draft has read."""
_ASIDE: Final = re.compile(
    rf"(?<=[\w{_HELD}])\^(?=-?[\w{_HELD}])|(?<=[\w)]) ([<>]) (?=[\w(-])|(?<=\w) (/) (?=\w)"
    r"|(?<![\w~])~(?=[\w$€£])|(?<=[A-G])#(?!\w)|(?<=[a-z]s)/(?=(?:second|minute|hour|day|week|month|year)\b)"
)
_BY: Final = re.compile(f"(?<=[{_HELD}]) ?[x×] ?(?=[{_HELD}])")
"""The sign in 12 cm x 13 cm, whose sides were read"""
_COMPARED: Final = re.compile(rf"(?<![^\s(])([<>]=?) ?(?=[\d$€£{_HELD}])")
_THAN: Final = {"<": "less than", ">": "more than", "<=": "at most", ">=": "at least"}
SILENT: Final = re.compile(r"[*_`~^|\\#<>]+")
_WITHIN: Final = {"<": "is less than", ">": "is greater than", "/": "slash", "~": "about", "#": "sharp"}


def read_mixed(match: re.Match[str]) -> str | None:
    """Reads a match of MIXED by its letters and numbers, long numbers digit by digit; kept, if a mark has no sound."""
    written = match.group()
    if not any(character.isdecimal() for character in written):
        return None
    if lines := _LINES.fullmatch(written):
        return f"{spell_pairs(lines[1])} {lines[2]}"
    if _JOINED.search(written):
        return written
    if any(character.isdecimal() and not "0" <= character <= "9" for character in written):
        return written
    if "/" in written and re.search(r"[^\W\d_]", written) and (said := read(written, "en")):
        return said
    words: list[str] = []
    for piece in _PIECE.finditer(written):
        if letters := piece["letters"]:
            words.append(letters)
        elif digits := piece["digits"]:
            is_year = len(digits) == 4 and "1100" <= digits < "2100" and _PREFIX.search(written[: piece.start()])
            words.append((spell_year(digits) if is_year else _number(digits)) or "")
            if not words[-1]:
                return written
        else:
            words.append(piece["mark"])
    return _joined(words)


def read_multiple(match: re.Match[str]) -> str | None:
    """Reads a match of MULTIPLE: one point five million."""
    words = spell_amount(match[1])
    return words and f"{words} {SCALES[match[2].lower()]}"


def read_pension(match: re.Match[str]) -> str | None:
    """Reads a match of PENSION: four oh one k."""
    return f"{spell_number(match[1], '', 'en', 'digits')} {match[2]}".replace("zero", "oh")


def read_roman(match: re.Match[str]) -> str | None:
    """Reads a match of ROMAN: Chapter four, Louis the fourteenth. V alone is one after Chapter."""
    roman, before = match["roman"], match["before"]
    is_numbered = bool(re.fullmatch(_WORDS_BEFORE, before, re.IGNORECASE))
    if not _ROMAN.fullmatch(roman) or (len(roman) == 1 and not is_numbered):
        return None
    if not is_numbered and (set(roman) & set("LCDM") or (before.isupper() and not match["king"])):
        return None  # CD, DM, XL
    if roman == "I" and re.match(r" [a-z]", match.string[match.end() :]):
        return None
    number = str(_value(roman))
    if match["king"]:
        return f"{before} the {spell_number(number, '', 'en', 'ordinal')}"
    return f"{before} {spell_number(number, '', 'en')}"


def replace_symbols(text: str) -> str:
    """Writes the remaining symbols in words, and drops those that are silent, such as * and _."""
    text = _BY.sub(" by ", _COMPARED.sub(lambda match: f"{_THAN[match[1]]} ", text))
    text = _ASIDE.sub(_aside, text)
    text = _SPELLED.sub(_spelled, text)
    return SILENT.sub(part_silent, text)


def part_silent(match: re.Match[str]) -> str:
    """Returns a space for a match of SILENT if what it parts would become one word or number."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    opens = not before.strip(" \n([{\"'")
    joins = not opens and (after.isalnum() or after >= _HELD[0])
    return " " if joins or (before.isdecimal() and after.strip()) else ""


def _aside(match: re.Match[str]) -> str:
    if match.group() == "^":
        return " to the power of "
    if match.group() == "/":
        return " per "
    mark = match.group().strip()
    return f" {_WITHIN[mark]}{'' if mark == '#' else ' '}"


def _spelled(match: re.Match[str]) -> str:
    after = match.string[match.end() : match.end() + 1]
    return f" {_SYMBOLS[match.group().strip()]}{'' if after and after in '.,;:!?)' else ' '}"


def _number(digits: str) -> str | None:
    if "." in digits:
        return spell_number(*parse_number(digits, "en"), "en")
    if len(digits) > 3 or (digits[0] == "0" and len(digits) > 1):
        return spell_number(digits, "", "en", "digits")
    return spell_number(digits, "", "en")


def _joined(words: list[str]) -> str:
    text = words[0]
    for before, word in pairwise(words):
        text += word if not (before[-1].isalnum() and word[0].isalnum()) else f" {word}"
    return text


def _value(roman: str) -> int:
    values = [_VALUES[letter] for letter in roman]
    return sum(
        -value if any(value < after for after in values[at + 1 : at + 2]) else value for at, value in enumerate(values)
    )
