"""Joins parts to a file, with chapters and a cover where the format has them. Blocks."""

import wave
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from soxr import ResampleStream

from deployments.audio.encoder import pcm, rate_of
from deployments.audio.mastering import Master
from deployments.errors import InvalidInput
from deployments.jobs.cover import Picture
from deployments.jobs.formats import BookFormat
from deployments.jobs.records import Book, Recorded
from deployments.jobs.sound import Recording, pieces, starts
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_BIT_RATE: Final = 64_000
_LONGEST_WAV: Final = 2**32 - 2**16
"""Bytes: the header has 32 bits for the size."""
_MS: Final = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class _Codec:
    muxer: str
    encoder: str
    samples: str
    options: Mapping[str, str]


# Bit-exact: the same parts always make the same bytes, without random serial numbers and versions of FFmpeg.
_EXACT: Final = {"fflags": "+bitexact"}
_CODECS: Final[Mapping[BookFormat, _Codec]] = {
    "mp3": _Codec("mp3", "libmp3lame", "fltp", _EXACT),
    "flac": _Codec("flac", "flac", "s16", _EXACT),
    "opus": _Codec("ogg", "libopus", "flt", _EXACT),
    "m4b": _Codec("mp4", "aac", "fltp", _EXACT | {"movflags": "+faststart", "brand": "M4B "}),
}


def join(path: Path, format: BookFormat, book: Book, parts: Recording, chapter: int | None = None) -> None:
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
    sound = pieces(parts)
    if book.loudness is not None:
        sound = Master.of(book.loudness, lambda: pieces(parts)).applied(sound)
    if format == "wav":
        seconds = sum(part.before + part.seconds + part.pause for part, _ in parts)
        if 2 * seconds * book.sample_rate > _LONGEST_WAV:
            raise InvalidInput("A WAV cannot be longer than 4 GB: choose another format, or get it by chapters.")
        _write_wav(path, _resampled(sound, book.sample_rate), book.sample_rate)
        return
    rate = rate_of("aac" if format == "m4b" else format, book.sample_rate)
    codec = _CODECS[format]
    with av.open(str(path), "w", format=codec.muxer, options=dict(codec.options)) as file:
        stream = file.add_stream(codec.encoder, rate=rate, layout="mono")
        context = stream.codec_context
        context.format = av.AudioFormat(codec.samples)
        if format != "flac":
            context.bit_rate = _BIT_RATE
        file.metadata.update(_tags(book, chapter))
        if format == "m4b":
            file.set_chapters(_chapters(book, [part for part, _ in parts]))
        cover = _add_cover(file, book.cover) if format == "m4b" and book.cover else None
        file.start_encoding()
        if cover is not None:
            file.mux(cover)
        framer = av.AudioResampler(context.format, "mono", rate, context.frame_size)
        given = 0
        for wav in _resampled(sound, rate):
            frame = av.AudioFrame.from_ndarray(np.clip(wav, -1, 1)[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            frame.pts = given
            given += len(wav)
            for full in framer.resample(frame):
                file.mux(stream.encode(full))
        for full in framer.resample(None):
            file.mux(stream.encode(full))
        file.mux(stream.encode(None))


def _resampled(pieces: Iterable[Waveform], rate: int) -> Iterator[Waveform]:
    if rate == SAMPLE_RATE:
        yield from (wav for wav in pieces if len(wav))
        return
    resampler = ResampleStream(SAMPLE_RATE, rate, 1, dtype="float32", quality="HQ")
    for wav in pieces:
        if len(resampled := resampler.resample_chunk(wav)):
            yield resampled
    if len(resampled := resampler.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield resampled


def _write_wav(path: Path, pieces: Iterable[Waveform], rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for wav in pieces:
            file.writeframes(pcm(wav))


def _tags(book: Book, chapter: int | None) -> dict[str, str]:
    title = book.titles[chapter - 1] if chapter else book.title
    tags = {"title": title, "artist": book.author, "album": book.title, "genre": "Audiobook"}
    if chapter:
        tags["track"] = f"{chapter}/{len(book.titles)}"
    return {name: tag for name, tag in tags.items() if tag}


def _chapters(book: Book, parts: Iterable[Recorded]) -> list[Any]:
    """Returns the chapters as PyAV takes them."""
    found: dict[int, list[float]] = {}
    for part, start, speech in starts(parts):
        end = speech + part.seconds + part.pause
        found.setdefault(part.chapter, [start, end])[1] = end
    return [
        {
            "id": number,
            "start": round(start * 1000),
            "end": round(stop * 1000),
            "time_base": _MS,
            "metadata": {"title": book.titles[number - 1]},
        }
        for number, (start, stop) in found.items()
    ]


def _add_cover(file: Any, image: bytes) -> Any:
    """Adds a picture as the cover; returns its packet, or None if it is no picture."""
    if not (picture := Picture.of(image)):
        return None
    stream = file.add_mux_stream(picture.codec, width=picture.width, height=picture.height)
    stream.disposition = av.stream.Disposition.attached_pic
    packet = av.Packet(image)
    packet.stream = stream
    packet.pts = packet.dts = 0
    packet.time_base = _MS
    return packet
