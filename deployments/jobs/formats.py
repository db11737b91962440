"""The formats of a job's files."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

BookFormat = Literal["wav", "mp3", "flac", "opus", "m4b"]
BOOK_FORMATS: Final[tuple[BookFormat, ...]] = get_args(BookFormat)
CaptionFormat = Literal["srt", "vtt"]
FileFormat = Literal["wav", "mp3", "flac", "opus", "m4b", "srt", "vtt", "zip"]
"""`zip` holds a file of each chapter, its captions and the cover."""
StreamFormat = Literal["mp3", "opus", "flac", "wav"]
"""Formats in which speech can be heard while it is made."""
MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "m4b": "audio/mp4",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "zip": "application/zip",
}
