"""Writes the files of jobs: speech, captions, or an archive of both. Blocks."""

from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from deployments.audio.subtitles import srt, vtt
from deployments.jobs.captions import captions
from deployments.jobs.cover import Picture
from deployments.jobs.formats import BookFormat, FileFormat
from deployments.jobs.joining import join
from deployments.jobs.records import Book
from deployments.jobs.sound import Recording

_IN_ARCHIVES: Final[dict[BookFormat, BookFormat]] = {"m4b": "mp3"}
"""M4B is for whole books."""
_COVERS: Final = {"png": "cover.png", "mjpeg": "cover.jpg"}


def render(path: Path, format: FileFormat, book: Book, parts: Recording, chapter: int | None = None) -> None:
    """Writes a file.

    Args:
        path: The new file.
        format: Its format.
        book: Title, author, cover and chapters.
        parts: What it says.
        chapter: Number of the only chapter in it, from 1; None: all.

    Raises:
        InvalidInput: the format cannot hold so much.
    """
    match format:
        case "srt":
            path.write_text(srt(captions(parts)), encoding="utf-8")
        case "vtt":
            path.write_text(vtt(captions(parts)), encoding="utf-8")
        case "zip":
            _pack(path, book, parts)
        case _:
            join(path, format, book, parts, chapter)


def _pack(path: Path, book: Book, parts: Recording) -> None:
    """Writes an archive of the chapters, each with its captions, and of the cover."""
    format = _IN_ARCHIVES.get(book.format, book.format)
    with ZipFile(path, "x") as archive, TemporaryDirectory(dir=path.parent) as folder:
        file = Path(folder) / "file"
        for chapter, group in groupby(parts, key=lambda part: part[0].chapter):
            own = [*group]
            for suffix in (format, "srt", "vtt"):
                render(file, suffix, book, own, chapter)
                _add(
                    archive, f"{_name(book, chapter)}.{suffix}", file, ZIP_STORED if suffix == format else ZIP_DEFLATED
                )
                file.unlink()
        if book.cover and (picture := Picture.of(book.cover)):
            file.write_bytes(book.cover)
            _add(archive, _COVERS[picture.codec], file, ZIP_STORED)


def _add(archive: ZipFile, name: str, file: Path, compression: int) -> None:
    # With the earliest date that there is: the same parts always make the same bytes.
    entry = ZipInfo(name)
    entry.compress_type = compression
    entry.file_size = file.stat().st_size
    with file.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(1 << 20):
            target.write(block)


def _name(book: Book, chapter: int) -> str:
    """Returns a file name that every system takes: the number, and what of the title is letters and digits."""
    title = "".join(character if character.isalnum() else " " for character in book.titles[chapter - 1])
    return " ".join([f"{chapter:0{max(2, len(str(len(book.titles))))}}", *title.split()])[:80].strip()
