"""Strips HTML: entities become characters, tags go, breaks become pauses."""

import re
from html import unescape
from html.entities import html5
from typing import Final

_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});")
_BLOCKS: Final = (
    "p|div|br|hr|h[1-6]|li|ul|ol|tr|table|blockquote|section|article|header|footer|pre|dl|dt|dd|s|"
    "address|aside|fieldset|hgroup|legend"
)
_OTHERS: Final = (
    "a|abbr|b|bdi|bdo|big|body|button|caption|center|cite|code|data|del|details|dfn|em|figcaption|figure|font|form|head|"
    "html|i|img|input|ins|kbd|label|link|main|mark|meta|nav|q|rp|rt|ruby|samp|small|source|span|strike|strong|sub|"
    "summary|sup|svg|tbody|td|tfoot|th|thead|time|title|tt|u|var|video|wbr|"
    "canvas|col|colgroup|datalist|embed|iframe|meter|noscript|optgroup|picture|progress|textarea|track|"
    "speak|voice|prosody|emphasis|say-as|phoneme|lang|audio|desc"
)
_TAG: Final = re.compile(rf"<(?P<slash>/?)(?P<name>{_BLOCKS}|{_OTHERS})(?P<rest>(?:\s[^<>]*)?/?)>", re.IGNORECASE)
_BLOCK: Final = re.compile(_BLOCKS, re.IGNORECASE)
_UNSEEN: Final = re.compile(r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK: Final = re.compile(r"<break(?P<attributes>\s[^<>]*)?/?>(?:</break>)?", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TIME: Final = re.compile(r"\s*\+?(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(ms|s)\s*")
_STRENGTHS: Final = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.0}
_OPENING: Final = re.compile(rf"{_TAG.pattern}|{_ENTITY.pattern}|{_BREAK.pattern}", re.IGNORECASE)


def has_html(text: str) -> bool:
    """Returns whether a text has an entity or a tag of HTML or SSML."""
    return bool(_OPENING.search(text))


def strip_html(text: str) -> str:
    """Returns the text without tags, comments and scripts. "a < b" and unknown names stay."""
    text = _BREAK.sub(_pause, _UNSEEN.sub("", text))
    text = _TAG.sub(_part, text)
    return _ENTITY.sub(_character, text)


def break_seconds(attributes: dict[str, str]) -> float:
    """Returns the seconds of a `break` element; half a second if it says nothing readable."""
    if time := _TIME.fullmatch(attributes.get("time", "").lower()):
        return float(time[1]) / (1000 if time[2] == "ms" else 1)
    return _STRENGTHS.get(attributes.get("strength", "medium"), 0.5)


def _pause(match: re.Match[str]) -> str:
    return f"[pause:{break_seconds(_attributes(match['attributes'])):.3f}s]"


def _attributes(written: str | None) -> dict[str, str]:
    return {name.lower(): double or single for name, double, single in _ATTRIBUTE.findall(written or "")}


def _part(match: re.Match[str]) -> str:
    name = match["name"].lower()
    if name == "img":
        return _attributes(match["rest"]).get("alt", "")
    if not _BLOCK.fullmatch(name):
        return " " if name in ("td", "th") else ""
    return "\n" if name in ("br", "li", "tr", "dt", "dd", "s") else "\n\n"


def _character(match: re.Match[str]) -> str:
    entity = match.group()
    if entity[1] != "#" and entity[1:] not in html5:
        return entity
    return unescape(entity)
