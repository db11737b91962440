"""Chained Ogg: several streams concatenated in a file, as recorders of radio streams write them."""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Final

_PAGE: Final = struct.Struct("<4sBBqIIIB")
"""Header of a page. Source: RFC 3533, section 6."""
_BEGINS: Final = 2
"""Flag of the first page of a stream."""


def links(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yields the links of a chain as files; yields any other file as it is.

    FFmpeg reads a chain as one stream, and stops where a link has another rate or another number of channels.
    """
    starts = _starts(file)
    if len(starts) < 2:
        yield file
        return
    size = file.seek(0, 2)
    for start, end in zip(starts, [*starts[1:], size], strict=True):
        file.seek(start)
        yield BytesIO(file.read(end - start))


def _starts(file: IO[bytes]) -> list[int]:
    """Returns the offsets at which a stream begins after pages of another one."""
    starts: list[int] = []
    at = file.seek(0)
    beginning = False
    while len(header := file.read(_PAGE.size)) == _PAGE.size:
        magic, _, flags, *_, segments = _PAGE.unpack(header)
        if magic != b"OggS":
            break
        if flags & _BEGINS and not beginning:
            starts.append(at)
        beginning = bool(flags & _BEGINS)
        at = file.seek(sum(file.read(segments)), 1)
    return starts
