"""Small files that cost much to read."""

import gzip
import io
import random
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.chaos.case import converted, speak

_MOST: Final = 45 * 1000 * 1000
"""Bytes: MAX_UPLOAD_MB is 50."""


def flac_of_ten_hours(folder: Path) -> Path:
    """FLAC of silence that unpacks to ten hours."""
    return _ffmpeg(folder / "ten-hours.flac", "-f lavfi -i anullsrc=r=8000:cl=mono -t 36000 -c:a flac")


def wav_of_32_channels(folder: Path) -> Path:
    """A WAV of 192 kHz and 32 channels."""
    rate, channels = 192_000, 32
    frame = channels * 2
    length = (_MOST - 100) // frame * frame
    noise = random.Random(0).randbytes(1_000_000 // frame * frame)  # noqa: S311 - repeatable
    samples = (noise * (length // len(noise) + 1))[:length]
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * frame, frame, 16)
    header = b"RIFF" + struct.pack("<I", 36 + length) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return _written(folder / "channels.wav", header + b"data" + struct.pack("<I", length) + samples)


def tiny_packets(folder: Path) -> Path:
    """200 000 packets of Opus, of 2.5 ms each."""
    options = "-f lavfi -i anullsrc=r=48000:cl=mono -t 500 -c:a libopus -frame_duration 2.5 -application lowdelay"
    return _ffmpeg(folder / "packets.ogg", f"{options} -page_duration 2500")


def mp3_with_cover(folder: Path) -> Path:
    """An MP3 with a cover picture of 45 MB."""
    speech = converted(speak("Good morning."), "-c:a", "libmp3lame", "-f", "mp3", "-id3v2_version", "0")
    picture = b"\0image/png\0\x03\0" + _png(_MOST - len(speech) - 1000)
    body = b"APIC" + _syncsafe(len(picture)) + b"\0\0" + picture
    return _written(folder / "cover.mp3", b"ID3\x04\0\0" + _syncsafe(len(body)) + body + speech)


def m4a_with_cover(folder: Path) -> Path:
    """An M4A with a cover picture of 45 MB."""
    speech = _written(folder / "speech.wav", speak("Good morning."))
    picture = _written(folder / "cover.png", _png(_MOST - 100_000))
    options = f"-i {speech} -i {picture} -map 0 -map 1 -c:a aac -c:v copy -disposition:v attached_pic"
    return _ffmpeg(folder / "cover.m4a", options)


def mp4_in_mkv(folder: Path) -> Path:
    """A Matroska file whose attachment is an MP4, and that has no other sound."""
    speech = _written(folder / "speech.wav", speak("Good morning."))
    inner = _ffmpeg(folder / "inner.mp4", f"-i {speech} -c:a aac")
    video = "-f lavfi -i testsrc=size=64x64:rate=5:duration=1 -c:v mpeg4"
    return _ffmpeg(folder / "nested.mkv", f"{video} -attach {inner} -metadata:s:t mimetype=video/mp4")


def zip_as_mp3(folder: Path) -> Path:
    """A ZIP named .mp3 that unpacks to 1 GB."""
    file = folder / "zip.mp3"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w", force_zip64=True) as entry,
    ):
        for _ in range(1_000):
            entry.write(bytes(1_000_000))
    return file


def gzip_as_wav(folder: Path) -> Path:
    """A gzipped WAV named .wav, several times over."""
    data = speak("Good morning.")
    for _ in range(5):
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            file.write(data)
        data = packed.getvalue()
    return _written(folder / "gzip.wav", data)


def boxes_in_boxes(folder: Path) -> Path:
    """An MP4 whose boxes are nested 100 000 deep."""
    depth = 100_000
    boxes = b"".join(struct.pack(">I", 8 * (depth - level)) + b"moov" for level in range(depth))
    return _written(folder / "boxes.mp4", struct.pack(">I", 16) + b"ftypisom\0\0\0\0" + boxes)


BOMBS: Final[dict[str, Callable[[Path], Path]]] = {
    "flac-10-hours": flac_of_ten_hours,
    "wav-192k-32ch": wav_of_32_channels,
    "200000-packets": tiny_packets,
    "mp3-cover-45mb": mp3_with_cover,
    "m4a-cover-45mb": m4a_with_cover,
    "mp4-in-mkv": mp4_in_mkv,
    "zip-as-mp3": zip_as_mp3,
    "gzip-as-wav": gzip_as_wav,
    "boxes-in-boxes": boxes_in_boxes,
}


def _ffmpeg(file: Path, options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", *options.split(), str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return file


def _written(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


def _syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 127 for shift in (21, 14, 7, 0))


def _png(size: int) -> bytes:
    """A grey picture of about so many bytes, which is not compressed."""
    width = 6000
    rows = size // (width + 1)
    pixels = random.Random(0).randbytes(rows * (width + 1) // 100)  # noqa: S311 - repeatable
    lines = b"".join(b"\0" + (pixels * 2)[row % 1000 : row % 1000 + width] for row in range(rows))

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines, 0)) + part(b"IEND", b"")
