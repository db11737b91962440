"""Reads the documents of word processors: Office Open XML."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from deployments.jobs.archive import Archive, every, local_name, text_of
from deployments.jobs.manuscript import LONGEST, Manuscript, sections

_DOCUMENT: Final = "word/document.xml"
_STYLES: Final = "word/styles.xml"
_PROPERTIES: Final = "docProps/core.xml"
_CHAPTERS: Final = frozenset({"title", "heading 1", "heading 2"})
"""Names of styles, which are English in the documents of all languages."""
_UNREAD: Final = frozenset({"del", "moveFrom", "Fallback", "instrText", "footnoteReference", "endnoteReference"})
"""What was deleted, and second versions of what newer programs show."""


def read_docx(data: bytes) -> Manuscript:
    """Returns the text of a document. Footnotes, headers and comments are in files of their own, and are not read.

    Raises:
        InvalidInput: it is damaged, or unpacks to too much.
    """
    with Archive.opened(data, "DOCX") as archive:
        chapters = _chapter_styles(archive)
        parts: list[tuple[str | None, str]] = []
        characters = 0
        for style, text in _paragraphs(archive.xml(_DOCUMENT)):
            characters += len(text)
            if characters > LONGEST:
                raise archive.too_large()
            if style in chapters and text.strip():
                parts.append((" ".join(text.split())[:200], text))
            else:
                parts.append((None, text))
        properties = archive.xml(_PROPERTIES) if _PROPERTIES in archive.names else None
        title = None if properties is None else text_of(properties, "title")
        author = None if properties is None else text_of(properties, "creator")
        return Manuscript(sections(parts, title or ""), title, author)


def _chapter_styles(archive: Archive) -> set[str]:
    """Returns the ids of the styles that begin chapters."""
    if _STYLES not in archive.names:
        return set()
    return {
        _value(style, "styleId")
        for style in every(archive.xml(_STYLES), "style")
        if any(_value(name, "val").lower() in _CHAPTERS for name in style if local_name(name) == "name")
    }


def _paragraphs(root: Element) -> Iterator[tuple[str, str]]:
    """Yields the style and the text of each paragraph; of those within it, such as a text box's, after it."""
    for paragraph in _outermost(root):
        text: list[str] = []
        inner: list[Element] = []
        _read(paragraph, text, inner)
        yield next((_value(found, "val") for found in every(paragraph, "pStyle")), ""), "".join(text)
        for each in inner:
            yield from _paragraphs(each)


def _outermost(root: Element) -> Iterator[Element]:
    stack = [root]
    while stack:
        element = stack.pop()
        if local_name(element) == "p":
            yield element
        elif local_name(element) not in _UNREAD:
            stack += reversed(element)


def _read(element: Element, text: list[str], inner: list[Element]) -> None:
    for child in element:
        match local_name(child):
            case "t":
                text.append(child.text or "")
            case "tab":
                text.append(" ")
            case "br" | "cr":
                text.append("\n")
            case "p":
                inner.append(child)
            case name if name not in _UNREAD:
                _read(child, text, inner)


def _value(element: Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
