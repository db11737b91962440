"""Encodes speech in six formats while it is being generated."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioResampler
    from soxr import ResampleStream

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
Waveform = NDArray[np.float32]
"""[samples] mono at 16 kHz; values beyond full scale are clipped."""

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}

_UNKNOWN: Final = 0xFFFF_FFFF
"""Size in the header of a WAV of unknown length, as OpenAI sends it."""
_BIT_RATE: Final = 64_000


class Container(Protocol):
    """A file being written. Its calls block: make them in a thread, one after the other."""

    def write(self, wav: Waveform) -> bytes:
        """Takes the next samples; returns the bytes that are final, often none."""
        ...

    def close(self) -> bytes:
        """Returns the remaining bytes."""
        ...


def open_container(format: Format, rate: int, *, streamed: bool = True) -> Container:
    """Opens a file to write to.

    Args:
        format: `pcm` is 16-bit little-endian without a header, `opus` is in Ogg, `aac` in ADTS.
        rate: Hz. MP3 and AAC have only some rates, from 22 050 up (at lower ones their frames last too long); Opus
            always decodes to 48 000.
        streamed: Whether to return bytes as they are made. Otherwise all come at the end, and the header of a WAV or
            FLAC has the length.
    """
    if format in ("wav", "pcm"):
        return _Plain(rate, header=format == "wav", streamed=streamed)
    return _Compressed(_CODECS[format], rate_of(format, rate), streamed=streamed)


def encoded(wav: Waveform, format: Format, rate: int) -> bytes:
    """Encodes a whole file. Blocks."""
    file = open_container(format, rate, streamed=False)
    return file.write(wav) + file.close()


def rate_of(format: Format, rate: int) -> int:
    """Returns the Hz of a file: the requested rate, or the next higher one that the format has."""
    rates = _CODECS[format].rates if format in _CODECS else ()
    return next((known for known in rates if known >= rate), rate)


class _Plain:
    def __init__(self, rate: int, *, header: bool, streamed: bool) -> None:
        self._rate = rate
        self._header = header
        self._streamed = streamed
        self._resampler = _resampler(rate)
        self._gathered = [_wav_header(rate, None)] if header and streamed else []

    def write(self, wav: Waveform) -> bytes:
        self._gathered.append(pcm(_resampled(self._resampler, wav)))
        return self._take() if self._streamed else b""

    def close(self) -> bytes:
        self._gathered.append(pcm(_resampled(self._resampler, np.zeros(0, np.float32), last=True)))
        data = self._take()
        return _wav_header(self._rate, len(data)) + data if self._header and not self._streamed else data

    def _take(self) -> bytes:
        data = b"".join(self._gathered)
        self._gathered.clear()
        return data


def _wav_header(rate: int, size: int | None) -> bytes:
    # http://soundfile.sapp.org/doc/WaveFormat: 16-bit mono PCM
    riff = _UNKNOWN if size is None else size + 36
    data = _UNKNOWN if size is None else size
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + form + struct.pack("<4sI", b"data", data)


def pcm(wav: Waveform) -> bytes:
    """Returns [samples] as 16-bit integers, little-endian; what is beyond 1 is clipped."""
    return (np.clip(wav, -1, 1) * 32_767).round().astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class _Codec:
    """FFmpeg's parameters for a format."""

    muxer: str
    encoder: str
    samples: str
    rates: tuple[int, ...] = ()
    """Empty: any."""
    options: Mapping[str, str] = field(default_factory=dict)


_MPEG_RATES: Final = (22_050, 24_000, 32_000, 44_100, 48_000)
_CODECS: Final[Mapping[str, _Codec]] = {
    # No Xing frame: it could only be completed by seeking, and a stream would then decode differently from a file.
    "mp3": _Codec("mp3", "libmp3lame", "fltp", _MPEG_RATES, {"write_xing": "0", "id3v2_version": "0"}),
    "opus": _Codec("ogg", "libopus", "flt", (48_000,), {"page_duration": "100000"}),  # µs
    "aac": _Codec("adts", "aac", "fltp", _MPEG_RATES),
    "flac": _Codec("flac", "flac", "s16", (), {"metadata_header_padding": "0"}),
}


class _Sink:
    """A file that cannot be sought: bytes leave it as they come."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


class _Compressed:
    def __init__(self, codec: _Codec, rate: int, *, streamed: bool) -> None:
        import av

        self._rate = rate
        self._resampler = _resampler(rate)
        self._sink = _Sink() if streamed else None
        self._file = None if streamed else BytesIO()
        self._container = av.open(
            self._sink or self._file, "w", format=codec.muxer, options={"flush_packets": "1", **codec.options}
        )
        self._stream = self._container.add_stream(codec.encoder, rate=rate, layout="mono")
        self._stream.codec_context.format = av.AudioFormat(codec.samples)
        if codec.encoder != "flac":
            self._stream.codec_context.bit_rate = _BIT_RATE
        self._framer: AudioResampler | None = None
        self._given = 0

    def write(self, wav: Waveform) -> bytes:
        self._encode(_resampled(self._resampler, wav))
        return self._sink.take() if self._sink else b""

    def close(self) -> bytes:
        self._encode(_resampled(self._resampler, np.zeros(0, np.float32), last=True))
        if self._framer:
            for frame in self._framer.resample(None):
                self._container.mux(self._stream.encode(frame))
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take() if self._sink else self._file.getvalue() if self._file else b""

    def _encode(self, wav: Waveform) -> None:
        import av

        if not len(wav):
            return
        context = self._stream.codec_context
        if self._framer is None:
            self._container.start_encoding()  # opens the encoder, which then knows its frame length
            self._framer = av.AudioResampler(context.format, "mono", self._rate, context.frame_size)
        frame = av.AudioFrame.from_ndarray(np.clip(wav, -1, 1)[None], format="fltp", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._given
        self._given += len(wav)
        for part in self._framer.resample(frame):
            self._container.mux(self._stream.encode(part))


def _resampler(rate: int) -> "ResampleStream | None":
    if rate == SAMPLE_RATE:
        return None
    from soxr import ResampleStream

    return ResampleStream(SAMPLE_RATE, rate, 1, dtype="float32", quality="HQ")


def _resampled(resampler: "ResampleStream | None", wav: Waveform, *, last: bool = False) -> Waveform:
    if resampler is None:
        return wav
    resampled: Waveform = resampler.resample_chunk(np.ascontiguousarray(wav, np.float32), last=last)
    return resampled
