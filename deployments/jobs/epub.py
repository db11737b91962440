"""Reads EPUB. Its files are never written anywhere, and nothing that they refer to is fetched."""

import posixpath
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from deployments.errors import InvalidInput
from deployments.jobs.archive import Archive, every, text_of
from deployments.jobs.cover import Picture
from deployments.jobs.manuscript import LONGEST, Manuscript, decoded, sections
from deployments.jobs.pages import read_page

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"


def read_epub(data: bytes) -> Manuscript:
    """Returns the text of a book, in the order of its spine.

    Raises:
        InvalidInput: it is damaged, protected, or unpacks to too much.
    """
    with Archive.opened(data, "EPUB") as archive:
        return _Book(archive).read()


class _Book:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._names = archive.names

    def read(self) -> Manuscript:
        container = self._archive.xml(_CONTAINER)
        root = next((found.get("full-path") for found in every(container, "rootfile")), None)
        if root not in self._names:
            raise InvalidInput("The EPUB names no package file.", "file")
        package = self._archive.xml(root)
        items = {item.get("id", ""): item for item in every(package, "item")}
        places = {id: self._place(root, item.get("href", "")) for id, item in items.items()}
        spine = [
            places[id]
            for reference in every(package, "itemref")
            if (id := reference.get("idref", "")) in items
            and reference.get("linear") != "no"
            and "nav" not in (items[id].get("properties") or "").split()
        ]
        locked = self._locked()
        title = text_of(package, "title")
        parts: list[tuple[str | None, str]] = []
        characters = 0
        for place in dict.fromkeys(spine):
            if place is None:
                continue
            if place in locked:
                raise InvalidInput("The EPUB is protected: its text is encrypted.", "file")
            page = read_page(decoded(self._archive.read(place)))
            parts += page.sections
            characters += sum(len(text) for _, text in page.sections)
            if characters > LONGEST:
                raise self._archive.too_large()
        return Manuscript(
            sections(parts, title or ""), title, text_of(package, "creator"), self._cover(package, items, places)
        )

    def _place(self, base: str, href: str) -> str | None:
        """Returns the name of the file that a reference names; None if it is not in the archive."""
        parts = urlsplit(href)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(parts.path)))
        return name if not (parts.scheme or parts.netloc) and name in self._names else None

    def _locked(self) -> set[str]:
        if _ENCRYPTION not in self._names:
            return set()
        return {unquote(found.get("URI", "")) for found in every(self._archive.xml(_ENCRYPTION), "CipherReference")}

    def _cover(self, package: Element, items: Mapping[str, Element], places: Mapping[str, str | None]) -> bytes | None:
        named = next((meta.get("content") for meta in every(package, "meta") if meta.get("name") == "cover"), None)
        for id, item in items.items():
            place = places[id]
            if place and (id == named or "cover-image" in (item.get("properties") or "").split()):
                data = self._archive.read(place)
                return data if Picture.of(data) else None
        return None
