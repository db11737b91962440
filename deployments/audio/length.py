"""The length that a file declares."""

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_NAMES: Final = "aiff ape asf au avi caf dsf flac flv matroska mov mp3 mpc mpc8 nistsphere nut tta voc w64 wav wv xwma"
_DECLARING: Final = frozenset(_NAMES.split())
"""Containers whose header holds the length. For others, FFmpeg estimates it from the first bit rate."""
_UNKNOWN: Final = 2**31 - 2**16
"""Bytes from which a header's length is a placeholder: recorders that cannot seek write the largest number."""
_MP3_HEADER: Final = re.compile(rb"\xff([\xe2-\xff]).{2}(?:.{9}|.{17}|.{32})(Xing|Info|VBRI)(.{14})", re.DOTALL)
"""The first frame of most MP3 files. Format: http://gabriel.mp3-tech.org/mp3infotag.html"""


def declared_seconds(container: "InputContainer", stream: "AudioStream", head: bytes) -> float | None:
    """Returns the seconds that the file's header declares for a track; None if unknown."""
    if not _DECLARING.intersection(container.format.name.split(",")):
        return None
    if container.format.name == "mp3":
        return _mp3_seconds(head, stream.sample_rate)
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None and len(container.streams) == 1:
        seconds = container.duration / 1_000_000
    else:
        return None
    return None if seconds * (stream.bit_rate or 0) / 8 >= _UNKNOWN else seconds


def _mp3_seconds(head: bytes, rate: int) -> float | None:
    # FFmpeg replaces this by an estimate if the file's size contradicts it.
    found = _MP3_HEADER.search(head)
    if not found or not rate:
        return None
    version, kind, fields = found.groups()
    if kind == b"VBRI":
        (frames,) = struct.unpack_from(">I", fields, 10)
    else:
        flags, frames = struct.unpack_from(">II", fields)
        frames = frames if flags & 1 else 0
    samples = 1152 if version[0] >> 3 & 3 == 3 else 576  # MPEG 1, or 2 and 2.5
    return frames * samples / rate or None
