"""Reads EPUB. Its files are never written anywhere, and nothing that they refer to is fetched."""

import posixpath
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

import defusedxml.ElementTree as SafeTree
from defusedxml import DefusedXmlException

from deployments.errors import InvalidInput
from deployments.jobs.cover import Picture
from deployments.jobs.manuscript import LONGEST, Manuscript, decoded, sections
from deployments.jobs.pages import read_page

_ENTRIES: Final = 20_000
_MOST_BYTES: Final = 64_000_000
"""Of all that is read of a book, unpacked."""
_LARGEST: Final = 10_000_000
"""Bytes of one file, unpacked."""
_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_DAMAGED: Final = (BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, ParseError, DefusedXmlException)


def read_epub(data: bytes) -> Manuscript:
    """Returns the text of a book, in the order of its spine.

    Raises:
        InvalidInput: it is damaged, protected, or unpacks to too much.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            return _Book(archive).read()
    except _DAMAGED as error:
        raise InvalidInput(f"The file is no readable EPUB ({type(error).__name__}).", "file") from error


class _Book:
    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._left = _MOST_BYTES
        infos = archive.infolist()
        if len(infos) > _ENTRIES:
            raise _too_large()
        self._names = {info.filename for info in infos}

    def read(self) -> Manuscript:
        container = self._xml(_CONTAINER)
        root = next((found.get("full-path") for found in _all(container, "rootfile")), None)
        if root not in self._names:
            raise InvalidInput("The EPUB names no package file.", "file")
        package = self._xml(root)
        items = {item.get("id", ""): item for item in _all(package, "item")}
        places = {id: self._place(root, item.get("href", "")) for id, item in items.items()}
        spine = [
            places[id]
            for reference in _all(package, "itemref")
            if (id := reference.get("idref", "")) in items
            and reference.get("linear") != "no"
            and "nav" not in (items[id].get("properties") or "").split()
        ]
        locked = self._locked()
        title = _text(package, "title")
        parts: list[tuple[str | None, str]] = []
        characters = 0
        for place in dict.fromkeys(spine):
            if place is None:
                continue
            if place in locked:
                raise InvalidInput("The EPUB is protected: its text is encrypted.", "file")
            page = read_page(decoded(self._bytes(place)))
            parts += page.sections
            characters += sum(len(text) for _, text in page.sections)
            if characters > LONGEST:
                raise _too_large()
        return Manuscript(
            sections(parts, title or ""), title, _text(package, "creator"), self._cover(package, items, places)
        )

    def _place(self, base: str, href: str) -> str | None:
        """Returns the name of the file that a reference names; None if it is not in the archive."""
        parts = urlsplit(href)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(parts.path)))
        return name if not (parts.scheme or parts.netloc) and name in self._names else None

    def _bytes(self, name: str) -> bytes:
        # Read to a limit: the sizes in an archive's directory may be wrong.
        most = min(_LARGEST, self._left)
        with self._archive.open(name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise _too_large()
        self._left -= len(data)
        return data

    def _xml(self, name: str) -> Element:
        if name not in self._names:
            raise InvalidInput(f"The EPUB has no {name}.", "file")
        found: Element = SafeTree.fromstring(self._bytes(name))
        return found

    def _locked(self) -> set[str]:
        if _ENCRYPTION not in self._names:
            return set()
        return {unquote(found.get("URI", "")) for found in _all(self._xml(_ENCRYPTION), "CipherReference")}

    def _cover(self, package: Element, items: Mapping[str, Element], places: Mapping[str, str | None]) -> bytes | None:
        named = next((meta.get("content") for meta in _all(package, "meta") if meta.get("name") == "cover"), None)
        for id, item in items.items():
            place = places[id]
            if place and (id == named or "cover-image" in (item.get("properties") or "").split()):
                data = self._bytes(place)
                return data if Picture.of(data) else None
        return None


def _all(element: Element, name: str) -> Iterator[Element]:
    return (found for found in element.iter() if isinstance(found.tag, str) and found.tag.rpartition("}")[2] == name)


def _text(package: Element, name: str) -> str | None:
    found = next((" ".join("".join(element.itertext()).split()) for element in _all(package, name)), "")
    return found[:300] or None


def _too_large() -> InvalidInput:
    return InvalidInput("The EPUB unpacks to more than is taken.", "file")
