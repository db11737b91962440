"""Reads documents that are archives. Their files are never written anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final, Self
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

import defusedxml.ElementTree as SafeTree
from defusedxml import DefusedXmlException

from deployments.errors import InvalidInput

_ENTRIES: Final = 20_000
_MOST_BYTES: Final = 64_000_000
"""Of all that is read of an archive, unpacked."""
_LARGEST: Final = 10_000_000
"""Bytes of one file, unpacked."""
_DAMAGED: Final = (BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, ParseError, DefusedXmlException)


class Archive:
    """An opened archive of a kind of document."""

    def __init__(self, archive: ZipFile, kind: str) -> None:
        self._archive = archive
        self._kind = kind
        self._left = _MOST_BYTES
        infos = archive.infolist()
        if len(infos) > _ENTRIES:
            raise self.too_large()
        self.names = {info.filename for info in infos}

    @classmethod
    @contextmanager
    def opened(cls, data: bytes, kind: str) -> Iterator[Self]:
        """Opens a document.

        Args:
            data: The document.
            kind: Its name in errors, such as "EPUB".

        Raises:
            InvalidInput: it is damaged, or unpacks to too much.
        """
        try:
            with ZipFile(BytesIO(data)) as archive:
                yield cls(archive, kind)
        except _DAMAGED as error:
            raise InvalidInput(f"The file cannot be read as {kind} ({type(error).__name__}).", "file") from error

    def read(self, name: str) -> bytes:
        """Returns a file."""
        # Read to a limit: the sizes in an archive's directory may be wrong.
        most = min(_LARGEST, self._left)
        with self._archive.open(name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise self.too_large()
        self._left -= len(data)
        return data

    def xml(self, name: str) -> Element:
        """Returns the root of a file. Entities are neither expanded nor fetched: they are refused."""
        if name not in self.names:
            raise InvalidInput(f"The {self._kind} has no {name}.", "file")
        found: Element = SafeTree.fromstring(self.read(name))
        return found

    def too_large(self) -> InvalidInput:
        """Returns the error for a document that unpacks to too much."""
        return InvalidInput(f"The {self._kind} is too large when it is unpacked.", "file")


def every(element: Element, name: str) -> Iterator[Element]:
    """Yields the elements of a name in any namespace."""
    return (found for found in element.iter() if local_name(found) == name)


def local_name(element: Element) -> str:
    """Returns the name of an element without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text_of(element: Element, name: str) -> str | None:
    """Returns the text of the first element of a name, in one line; None if it has none."""
    found = next((" ".join("".join(each.itertext()).split()) for each in every(element, name)), "")
    return found[:300] or None
