"""Pictures on the cover. They come from clients: only their sizes are read here, and no decoder opens them."""

import struct
from dataclasses import dataclass
from typing import Final, Literal

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that begin a frame (ITU T.81, table B.1)."""
MOST_BYTES: Final = 10_000_000
_MOST_PIXELS: Final = 10_000
"""In each direction."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG."""

    codec: Literal["png", "mjpeg"]
    """FFmpeg's name of its format."""
    width: int
    height: int

    @classmethod
    def of(cls, data: bytes) -> "Picture | None":
        """Returns what a file is; None if it is neither, or too large."""
        size = _png_size(data) if data.startswith(_PNG) else _jpeg_size(data) if data.startswith(_JPEG) else None
        if size is None or len(data) > MOST_BYTES or not all(0 < pixels <= _MOST_PIXELS for pixels in size):
            return None
        return cls("png" if data.startswith(_PNG) else "mjpeg", *size)


def _png_size(data: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", data[16:24]) if len(data) > 32 and data[12:16] == b"IHDR" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        length = int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None
