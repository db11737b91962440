"""Reads abbreviations in English: Doctor, page, for example."""

import re
from typing import Final

from deployments.text.grammars import read

_TITLES: Final = {"Mrs.": "Missus", "Ms.": "Miz", "Prof.": "Professor", "Sen.": "Senator", "Rep.": "Representative"}
"""Those that the grammars lack."""
_NUMBERED: Final = {
    **{"p": "page", "pp": "pages", "ch": "chapter", "chap": "chapter", "vol": "volume", "fig": "figure"},
    **{"figs": "figures", "sec": "section", "eq": "equation", "art": "article", "ext": "extension", "no": "number"},
    **{"nos": "numbers", "approx": "approximately", "min": "minimum", "max": "maximum", "est": "established"},
}
"""What stands before a number."""
_WORDS: Final = {
    **{"e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "approx.": "approximately"},
    **{"a.k.a.": "also known as", "Jr.": "Junior", "Sr.": "Senior", "Ave.": "Avenue", "Blvd.": "Boulevard"},
    **{"dept.": "department", "Dept.": "Department", "w/o": "without", "w/": "with", "b/c": "because"},
}
ABBREVIATION: Final = re.compile(
    r"\b(?P<title>(?:Dr|Mr|Mrs|Ms|Prof|Rev|Hon|Gen|Gov|Capt|Sgt|Lt|Col|Sen|Rep|Mt|Ft)\.)(?= [A-Z])"
    rf"|\b(?P<numbered>(?i:{'|'.join(_NUMBERED)}))\. ?(?=\d)"
    r"|(?<![\w&])(?P<number>No ?|№ ?|# ?)(?=\d)"
    rf"|(?<![\w./])(?P<word>{'|'.join(map(re.escape, _WORDS))})(?![\w/.])(?P<end>(?<=\.)(?=\"?$|\"? [A-Z]))?"
)


def read_abbreviation(match: re.Match[str]) -> str | None:
    """Reads a match of ABBREVIATION. The full stop of "etc." also ends a sentence that ends there."""
    if match["number"]:
        return "number "
    if numbered := match["numbered"]:
        return f"{_NUMBERED[numbered.lower()]} "
    if word := match["word"]:
        is_end = match["end"] is not None and word not in ("e.g.", "i.e.", "vs.", "a.k.a.")
        return f"{_WORDS[word]}." if is_end else _WORDS[word]
    title = match["title"]
    said = _TITLES.get(title) or read(title, "en") or ""
    return said[:1].upper() + said[1:] or None
