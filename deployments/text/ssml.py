"""Reads a subset of SSML 1.1 (w3.org/TR/speech-synthesis11)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from deployments.errors import InvalidText
from deployments.text.html import break_seconds
from deployments.text.script import LONGEST_PAUSE, SAY_AS, Script, Segment

LONGEST: Final = 1_000_000
"""Maximum characters of a document."""
_DEEPEST: Final = 50
"""Maximum levels of elements."""
_START: Final = re.compile(r"\s*(?:<\?xml[^<>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?speak[\s>/]", re.DOTALL)
_RATES: Final = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
_SLOWEST: Final = 0.25
_FASTEST: Final = 4.0
_RATE: Final = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?)(%?)")
_UNSPOKEN: Final = frozenset({"metadata", "meta", "lexicon", "desc", "mark", "lookup"})
_SYNONYMS: Final = {
    **{"spell-out": "characters", "verbatim": "characters", "number": "cardinal", "digit": "digits"},
    **{"phone": "telephone"},
}
_PLACE: Final = re.compile(r":? ?line (\d+), column (\d+)")


def is_ssml(text: str) -> bool:
    """Returns whether a text is a document of SSML."""
    return bool(_START.match(text))


def read_ssml(text: str, param: str = "input") -> Script:
    """Returns what an SSML document says. What has no effect here is skipped with a warning, its text is spoken.

    Args:
        text: The document; its root is `speak`.
        param: Name of the request's field, for errors.

    Raises:
        InvalidText: it is not well-formed, too long or too deep, declares entities, or is not SSML.
    """
    if len(text) > LONGEST:
        raise InvalidText(f"The SSML has {len(text)} characters: at most {LONGEST} are taken.", param)
    try:
        root = fromstring(text.strip(), forbid_dtd=True)
    except ParseError as error:
        reason = _PLACE.sub("", str(error))
        line, column = error.position
        raise InvalidText(
            f"The SSML is not well-formed at line {line}, column {column + 1}: {reason}.", param
        ) from error
    except (DefusedXmlException, ValueError) as error:
        raise InvalidText("The SSML must not have a document type or entities of its own.", param) from error
    if _name(root) != "speak":
        raise InvalidText(f"The root of SSML is <speak>, not <{_name(root)}>.", param)
    warnings: list[str] = []
    return Script.of(_Reader(warnings, param).read(root, Segment(""), 1), warnings)


class _Reader:
    """Walks one document.

    Args:
        warnings: Appended to.
        param: Name of the request's field, for errors.
    """

    def __init__(self, warnings: list[str], param: str) -> None:
        self._warnings = warnings
        self._param = param

    def read(self, element: Element, manner: Segment, depth: int) -> Iterator[Segment]:
        """Yields an element's segments, which inherit a manner."""
        if depth > _DEEPEST:
            raise InvalidText(f"The SSML has more than {_DEEPEST} levels of elements.", self._param)
        name = _name(element)
        if name in _UNSPOKEN:
            return
        if name == "break":
            yield replace(manner, text="", pause=min(break_seconds(dict(element.attrib)), LONGEST_PAUSE))
            return
        if name == "sub" and "alias" in element.attrib:
            yield replace(manner, text=element.attrib["alias"], written=_flat(element))
            return
        inner = self._manner(element, name, manner)
        edge = {"p": "\n\n", "s": "\n"}.get(name, "")
        if edge:
            yield replace(manner, text=edge)
        yield replace(inner, text=_flat_text(element.text))
        for child in element:
            yield from self.read(child, inner, depth + 1)
            yield replace(inner, text=_flat_text(child.tail))
        if edge:
            yield replace(manner, text=edge)

    def _manner(self, element: Element, name: str, manner: Segment) -> Segment:
        if name == "voice":
            return replace(manner, voice=element.attrib.get("name") or manner.voice)
        if name == "prosody":
            if unused := sorted({_local(key) for key in element.attrib} - {"rate"}):
                self._warnings.append(f"<prosody> has no effect here but for its rate: {', '.join(unused)} is ignored.")
            return replace(manner, rate=self._rate(element.attrib.get("rate"), manner.rate))
        if name == "say-as":
            wanted = element.attrib.get("interpret-as", "").strip().lower()
            say_as = _SYNONYMS.get(wanted, wanted)
            for known in SAY_AS:
                if say_as == known:
                    return replace(manner, say_as=known)
            self._warnings.append(f"<say-as interpret-as={wanted!r}> is not known: the text is read as it is written.")
        elif name not in ("speak", "p", "s", "sub", "w", "token"):
            self._warnings.append(f"<{name}> has no effect here: its text is spoken as any other.")
        return manner

    def _rate(self, written: str | None, outer: float | None) -> float | None:
        if written is None:
            return outer
        rate = _RATES.get(written.strip().lower())
        if rate is None and (match := _RATE.fullmatch(written.strip())):
            sign, number, percent = match.groups()
            rate = float(number) / (100 if percent else 1)
            if sign:
                rate = 1 + rate if sign == "+" else 1 - rate
        if rate is None or rate <= 0:
            self._warnings.append(f"The rate {written!r} is not known and is ignored.")
            return outer
        return min(max(rate * (outer or 1), _SLOWEST), _FASTEST)


def _name(element: Element) -> str:
    return _local(element.tag)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _flat(element: Element) -> str:
    return _flat_text("".join(element.itertext())).strip()


def _flat_text(text: str | None) -> str:
    # Line breaks of a document are white space; paragraphs are elements.
    return re.sub(r"\s+", " ", text or "")
