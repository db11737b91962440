"""Reads addresses of the web, of mail, of networks and of streets, and telephone numbers, in English."""

import re
from typing import Final

from deployments.text.grammars import read
from deployments.text.numerals import spell_amount, spell_number, spell_pairs

_END: Final = r"(?<![.,;:!?'\")\]}>*_])"
"""Punctuation at the end is the sentence's."""
EMAIL: Final = re.compile(
    rf"(?<![\w.+&-])(?:mailto:)?[\w.+&-]+@[A-Za-z\d](?:[\w-]*\.)+[A-Za-z]{{2,}}(?:/[^\s\"<>]*{_END})?(?!\w)"
)
_DOMAIN: Final = r"(?:[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?\.)+"
URL: Final = re.compile(
    rf"(?:(?:https?|ftp|file)://|www\.)[^\s\"<>，。；、！？）」』】]+{_END}"
    rf"|(?<![A-Za-z\d_.@-]){_DOMAIN}(?:(?i:com|org|net|edu|gov|io|ai|app|dev|co|info|tv|uk|de|fr|it|nl|ca|au|jp|cn|eu|us)\b|[A-Za-z]{{2,}}(?=/))"
    rf"(?:(?::\d+)?[/?#][^\s\"<>，。；、！？）」』】]*{_END})?(?![\w@])"
)
NETWORK: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::(?P<port>\d{1,5}))?(?![\w]|[.:]\d)")
VERSION: Final = re.compile(
    r"(?<![\w.$€£¥])(?P<v>[vV])?(?P<digits>\d+(?:\.\d+){2,}|(?<=[vV])\d+\.\d+|(?<=v)\d+)(?![\w]|[.,:/-]\d)"
)
PHONE: Final = re.compile(
    r"(?<![\w.,/$€£¥-])(?:"
    r"\+\d[\d ()./-]{6,24}\d"
    r"|(?:1[ -])?\(\d{2,5}\) ?\d[\d -]{4,20}\d"
    r"|(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}(?:-\d)?"
    r"|\d{3}-\d{2}-\d{4}"
    r"|0\d{1,4}[ -]\d{2,4}(?:[ -]\d{2,6}){1,3}"
    r"|1-8\d\d-[A-Z\d]{2,}(?:-[A-Z\d]+)*"
    r"|(?<=[Cc]all )\d{3}[ -]\d{4}|(?<=[Pp]hone )\d{3}[ -]\d{4}|(?<=[Tt]el )\d{3}[ -]\d{4}|(?<=[Dd]ial )\d{3}[ -]\d{4}"
    r")(?:,? ?(?:ext\.?|x) ?(?P<ext>\d{1,6}))?(?![\w]|[.,/-]\d)"
)
CODE: Final = re.compile(
    r"(?P<before>\b(?:ending (?:in|with)|code|(?i:pin|otp|zip)|passcode|password|ext\.|extension|[Cc]all|[Dd]ial)"
    r"(?: is| number)?:? |\bISBN(?:-1[03])?:? )(?P<digits>(?<=ISBN )\d[\d-]{8,15}[\dX]|\d{3,8})(?![\w]|[.,:/-]\d)"
)
STREET: Final = re.compile(
    r"(?<![\w.,$-])(?P<house>\d{1,5}) (?P<side>[NSEW]{1,2}\.? )?(?P<name>(?:\d{1,3}(?:st|nd|rd|th) |[A-Z][a-z]+ ){0,3})"
    r"(?P<kind>(?i:Expy|Ave|Blvd|Ln|Hwy|Pkwy|Ct|Pl|Sq|Cir)|(?:St|Rd|Dr|st)(?=\.|,|\n|$| [a-z\d]| [A-Z][a-z]+,))\b"
    r"(?P<stop>\.(?! [A-Z]))?"
    r"(?P<rest>(?:,? [A-Z][a-z]+){1,3}(?=,))?(?:, (?P<state>[A-Z]{2})(?: (?P<zip>\d{5}(?:-\d{4})?))?(?!\w))?"
)
_SIDES: Final = {"N": "North", "S": "South", "E": "East", "W": "West"}
_KINDS: Final = {
    **{"expy": "Expressway", "st": "Street", "ave": "Avenue", "rd": "Road", "blvd": "Boulevard", "dr": "Drive"},
    **{
        "ln": "Lane",
        "hwy": "Highway",
        "pkwy": "Parkway",
        "ct": "Court",
        "pl": "Place",
        "sq": "Square",
        "cir": "Circle",
    },
}
_MARKS: Final = {
    **{".": "dot", "/": "slash", ":": "colon", "-": "dash", "_": "underscore", "@": "at", "?": "question mark"},
    **{"=": "equals", "&": "ampersand", "#": "hash", "%": "percent", "+": "plus", "~": "tilde"},
}
_UPPER: Final = {"http", "https", "www", "ftp"}
_LONGEST: Final = 120
"""Maximum characters of an address that is read out; nobody follows a longer one."""


def read_address(match: re.Match[str]) -> str | None:
    """Reads a match of EMAIL or URL, digit by digit: example dot com slash one two."""
    written = match.group()
    if len(written) > _LONGEST:
        return written
    words: list[str] = []
    for piece in re.findall(r"[^\W\d_]+|\d|[^\w\s]|_", written):
        if piece.isdecimal():
            words.append(spell_number(piece, "", "en") or piece)
        else:
            words.append(
                piece.upper() if piece.lower() in _UPPER else _MARKS.get(piece, "" if not piece.isalnum() else piece)
            )
    return " ".join(filter(None, words))


def read_network(match: re.Match[str]) -> str | None:
    """Reads a match of NETWORK digit by digit."""
    words = " dot ".join(_row(part) for part in match.group().partition(":")[0].split("."))
    return f"{words} colon {_row(match['port'])}" if match["port"] else words


def read_version(match: re.Match[str]) -> str | None:
    """Reads a match of VERSION: version one point two point three."""
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3}){2,}", match["digits"]):  # a number, as Germans write it
        return spell_number(match["digits"].replace(".", ""), "", "en")
    if match["digits"].count(".") == 1:
        return f"version {spell_amount(match['digits'])}"
    numbers = [spell_number(number, "", "en") for number in match["digits"].split(".")]
    return None if None in numbers else ("version " if match["v"] else "") + " point ".join(map(str, numbers))


def read_phone(match: re.Match[str]) -> str | None:
    """Reads a match of PHONE digit by digit, with a short pause after each group."""
    written, extension = match.group(), match["ext"]
    if extension:
        written = written[: match.start("ext") - match.start()]
    groups = re.findall(r"\d+|[A-Z]{2,}", written)
    if sum(map(len, groups)) > 20:
        return None
    spoken = ["eight hundred" if group == "800" else group if group.isalpha() else _row(group) for group in groups]
    words = ("plus " if written.startswith("+") else "") + ", ".join(spoken)
    return f"{words}, extension {_row(extension)}" if extension else words


def read_code(match: re.Match[str]) -> str | None:
    """Reads a match of CODE digit by digit."""
    return f"{match['before']}{_row(match['digits'])}"


def read_street(match: re.Match[str]) -> str | None:
    """Reads a match of STREET: twelve eleven East Arques Avenue."""
    words = [spell_pairs(match["house"])]
    if side := match["side"]:
        words += [_SIDES[letter] for letter in side if letter in _SIDES]
    words += [read(word, "en") or word for word in match["name"].split()]
    if not match["name"]:
        return None
    text = " ".join(map(str, [*words, _KINDS[match["kind"].lower()]])) + (match["rest"] or "")
    if state := match["state"]:
        text += f", {read(f'City, {state} 95051', 'en') and _state(state)}"
    return f"{text} {_row(match['zip'])}" if match["zip"] else text


def _state(letters: str) -> str:
    said = read(f"12 Main St, City, {letters}", "en") or ""
    return said.rpartition(", ")[2] or letters


def _row(digits: str) -> str:
    return " ".join(spell_number(digit, "", "en") or digit for digit in digits if digit.isdecimal())
