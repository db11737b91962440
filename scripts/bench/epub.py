"""Makes an EPUB of verses, as `bible` of the Debian package bible-kjv prints them: `Mark1:1 The beginning of …`."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from itertools import groupby
from typing import Final
from zipfile import ZIP_STORED, ZipFile

import av
import numpy as np

_VERSE: Final = re.compile(r"(\d?[A-Za-z]+)(\d+):(\d+) (.+)")
_CONTAINER: Final = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
_PACKAGE: Final = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator></metadata><manifest>
<item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>{items}</manifest>
<spine>{spine}</spine></package>"""
_PAGE: Final = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>
<body><h1>{title}</h1>{paragraphs}</body></html>"""
_VERSES: Final = 5
"""Of a paragraph."""
_SIZE: Final = (900, 600)
"""Pixels of the cover: height and width."""

Chapters = Sequence[tuple[str, Sequence[str]]]
"""Titles and paragraphs."""


def read_verses(text: str, characters: int) -> Chapters:
    """Returns whole chapters of the verses, up to the one with which they have so many characters."""
    chapters: list[tuple[str, list[str]]] = []
    length = 0
    verses = [match.groups() for match in map(_VERSE.match, text.splitlines()) if match]
    for (book, number), group in groupby(verses, key=lambda verse: verse[:2]):
        if length >= characters:
            break
        lines = [verse[3] for verse in group]
        chapters.append(
            (f"{book} {number}", [" ".join(lines[at : at + _VERSES]) for at in range(0, len(lines), _VERSES)])
        )
        length += sum(map(len, lines))
    return chapters


def epub(title: str, author: str, chapters: Chapters) -> bytes:
    """Returns a book with a cover."""
    data = BytesIO()
    numbers = range(len(chapters))
    items = "".join(f'<item id="c{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    with ZipFile(data, "w", ZIP_STORED) as file:
        file.writestr("mimetype", "application/epub+zip")
        file.writestr("META-INF/container.xml", _CONTAINER)
        file.writestr("book.opf", _PACKAGE.format(title=escape(title), author=escape(author), items=items, spine=spine))
        file.writestr("cover.png", cover())
        for number, (heading, paragraphs) in enumerate(chapters):
            file.writestr(f"{number}.xhtml", _PAGE.format(title=escape(heading), paragraphs=_html(paragraphs)))
    return data.getvalue()


def cover() -> bytes:
    """Returns a PNG that darkens from top to bottom."""
    rows = np.linspace(220, 40, _SIZE[0]).astype(np.uint8)
    image = np.broadcast_to(rows[:, None, None], (*_SIZE, 3))
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101 - for mypy
    encoder.height, encoder.width = _SIZE
    encoder.pix_fmt = "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _html(paragraphs: Iterable[str]) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
