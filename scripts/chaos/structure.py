"""Where the parts of a file begin and end, and where it says how long they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

_BOXES_OF_BOXES: Final = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts", b"moof", b"traf", b"mvex"}
_MASTERS: Final = {0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675, 0x1549A966, 0x1C53BB6B}
"""EBML: Segment, Tracks, TrackEntry, Cluster, Info, Cues."""
_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file with its header."""

    start: int
    end: int
    length_at: int
    """Where its length is written."""
    length_width: int
    order: Literal["little", "big"]


def chunks(data: bytes) -> list[Chunk]:
    """Chunks of RIFF, AIFF, CAF and W64, boxes of ISO-BMFF, elements of EBML, pages of Ogg; none of other files."""
    if data[:4] in (b"RIFF", b"RF64"):
        return list(_iff(data, 12, 4, "little"))
    if data[:4] == b"FORM":
        return list(_iff(data, 12, 4, "big"))
    if data[:4] == b"caff":
        return list(_iff(data, 8, 8, "big"))
    if data[:4] == b"OggS":
        return list(_ogg(data))
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return list(_ebml(data, 0, len(data)))
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return list(_boxes(data, 0, len(data)))
    return []


def _iff(data: bytes, at: int, width: int, order: Literal["little", "big"]) -> Iterator[Chunk]:
    while at + 4 + width <= len(data):
        length = int.from_bytes(data[at + 4 : at + 4 + width], order)
        end = min(len(data), at + 4 + width + length + (length % 2 if width == 4 else 0))
        yield Chunk(at, end, at + 4, width, order)
        at = end


def _boxes(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[Chunk]:
    while at + 8 <= end:
        length = int.from_bytes(data[at : at + 4], "big")
        stop = at + length if 8 <= length <= end - at else end
        yield Chunk(at, stop, at, 4, "big")
        if data[at + 4 : at + 8] in _BOXES_OF_BOXES and depth < _DEPTH:
            yield from _boxes(data, at + 8, stop, depth + 1)
        at = stop


def _ogg(data: bytes) -> Iterator[Chunk]:
    at = 0
    while at >= 0:
        after = data.find(b"OggS", at + 4)
        yield Chunk(at, after if after > 0 else len(data), at + 26, 1, "little")
        at = after


def _ebml(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[Chunk]:
    while at < end:
        width = _vint_width(data[at])
        if not width or at + width >= end:
            return
        name = int.from_bytes(data[at : at + width], "big")
        size_at = at + width
        size_width = _vint_width(data[size_at])
        if not size_width or size_at + size_width > end:
            return
        size = int.from_bytes(data[size_at : size_at + size_width], "big") - (1 << 7 * size_width)
        begin = size_at + size_width
        unknown = size == (1 << 7 * size_width) - 1
        stop = end if unknown else min(end, begin + size)
        yield Chunk(at, stop, size_at, size_width, "big")
        if name in _MASTERS and depth < _DEPTH:
            yield from _ebml(data, begin, stop, depth + 1)
        at = stop


def _vint_width(first: int) -> int:
    return 9 - first.bit_length() if first else 0
