"""Reads a file as FFmpeg's own tool reads it. Runs in a sandboxed process."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from deployments.audio.clock import Clock
from deployments.audio.formats import DECODERS, DEMUXERS
from deployments.audio.length import declared_seconds
from deployments.audio.mixing import Mixer, format_of
from deployments.audio.ogg import links
from deployments.errors import InvalidAudio
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

SILENCE: Final = 1e-3
"""Peak (-60 dBFS) below which a file counts as silent."""
_PIECE: Final = SAMPLE_RATE
"""Approximate samples returned at once."""
_LONG: Final = 300.0
"""Seconds above which a length limit is checked before decoding."""
_LONGEST_PACKET: Final = 10.0
"""Seconds above which the duration of a packet is false. FFmpeg gives the last of many Vorbis files -1 as 2**32 - 1."""
_TEXT: Final = bytes([*b"\t\n\r\f", *range(32, 127), *range(128, 256)])
"""Bytes of texts, in encodings that extend ASCII."""
_ACCEPTED: Final = "Send wav, mp3, m4a, flac, ogg or webm."


@dataclass(slots=True)
class Findings:
    """Findings about a file."""

    container: str = ""
    codec: str = ""
    declared: float | None = None
    """Seconds that its header declares; None if unknown."""
    packets: int = 0
    damaged: int = 0
    """Packets that cannot be decoded and are skipped."""
    broken_off: bool = False
    """Whether the rest of the file cannot be read."""


def read_audio(file: IO[bytes], longest: float, findings: Findings) -> Generator[Waveform, None, None]:
    """Decodes a file. Keeps its timing: silence fills gaps in its timestamps, and a late start.

    Args:
        file: A seekable file of any name.
        longest: Maximum seconds.
        findings: Filled in; `container`, `codec` and `declared` before the first piece.

    Yields:
        [samples] mono at 16 kHz, about a second at a time.

    Raises:
        InvalidAudio: the file is not an audio file, has no decodable audio, or lasts too long.
        MemoryError: decoding exceeds the memory limit of the process.
    """
    import av

    if not file.seek(0, 2):
        raise InvalidAudio("The file is empty.")
    given = 0
    try:
        for link in links(file):
            for wav in _read(link, longest, findings, whole=link is file):
                given += len(wav)
                if given > longest * SAMPLE_RATE:
                    raise _too_long(longest)
                yield wav
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        if given:  # a later link of a chain
            findings.broken_off = True
            return
        if _is_text(file):
            raise InvalidAudio(f"The file cannot be read as audio: it is text. {_ACCEPTED}") from error
        raise InvalidAudio(f"The file cannot be read as audio ({error.strerror}). {_ACCEPTED}") from error
    if not given:
        raise InvalidAudio("The file holds no audio that can be decoded.")


def _is_text(file: IO[bytes]) -> bool:
    file.seek(0)
    return not file.read(1_000).translate(None, _TEXT)


def decoded(data: bytes) -> Waveform:
    """Decodes a whole file of up to an hour in this process: for trusted files only."""
    return np.concatenate(list(read_audio(BytesIO(data), 3600, Findings())))


def _opened(file: IO[bytes]) -> "InputContainer":
    import av

    file.seek(0)
    options = {
        "format_whitelist": ",".join(DEMUXERS),
        "codec_whitelist": ",".join(DECODERS),
        "protocol_whitelist": "none",  # nothing but the given bytes
        "threads": "1",
    }
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as logs:
            container: InputContainer = av.open(file, "r", options=options, metadata_errors="ignore")
            return container
    except av.error.ArgumentError as error:
        found = next((name for _, name, message in logs if message.startswith("Format not on whitelist")), None)
        if found is None:
            raise
        known = av.ContainerFormat(found, "r").long_name
        raise InvalidAudio(
            f"The file cannot be read as audio: it is of the kind {known} ({found}). {_ACCEPTED}"
        ) from error
    finally:
        av.logging.set_level(None)


def _read(file: IO[bytes], longest: float, findings: Findings, *, whole: bool) -> Iterator[Waveform]:
    """Reads a file or a link of a chain: its first track with sound, or else the first that can be decoded."""
    file.seek(0)
    head = file.read(65_536)
    container = _opened(file)
    track, *others = _decodable(container)
    if others:
        track = next((track for track in (track, *others) if _sounds(file, track)), track)
        container = _opened(file)
    _describe(container, track, head if whole else None, findings)
    if longest > _LONG and (findings.declared is None or findings.declared > longest):
        _check_length(file, track, longest)
        container = _opened(file)
    with container:
        yield from _pieces(container, track, findings)


def _decodable(container: "InputContainer") -> list[int]:
    """Returns the indices of decodable tracks."""
    streams = container.streams.audio
    tracks = [s.index for s in streams if s.codec_context and s.codec_context.name in DECODERS]
    if not tracks:
        held = "audio in a codec that is not supported" if streams else "no audio"
        raise InvalidAudio(f"The file holds {held}. {_ACCEPTED}")
    return tracks


def _describe(container: "InputContainer", track: int, head: bytes | None, findings: Findings) -> None:
    stream: AudioStream = container.streams[track]  # type: ignore[assignment]
    findings.container, findings.codec = container.format.name, stream.codec_context.name
    findings.declared = declared_seconds(container, stream, head) if head else None


def _sounds(file: IO[bytes], track: int) -> bool:
    with _opened(file) as container:
        return any(np.abs(wav).max(initial=0) >= SILENCE for wav in _pieces(container, track, Findings()))


def _check_length(file: IO[bytes], track: int, longest: float) -> None:
    """Adds up the packets, which is fast, before an hour of audio is decoded only to be rejected."""
    import av

    seconds = 0.0
    with _opened(file) as container:
        try:
            for packet in container.demux(container.streams[track]):
                duration = float((packet.duration or 0) * (packet.time_base or 0))
                seconds += duration if 0 < duration < _LONGEST_PACKET else 0
                if seconds > longest + 1:
                    raise _too_long(longest)
        except av.error.FFmpegError:
            return  # decoding ends there, too


def _pieces(container: "InputContainer", track: int, findings: Findings) -> Iterator[Waveform]:
    gathered: list[Waveform] = []
    samples = 0
    for wav in _on_time(container, track, findings):
        gathered.append(wav)
        samples += len(wav)
        if samples >= _PIECE:
            yield _checked(gathered)
            gathered, samples = [], 0
    if gathered:
        yield _checked(gathered)


def _on_time(container: "InputContainer", track: int, findings: Findings) -> Iterator[Waveform]:
    """Yields the mix of all frames, with silence where their timestamps have a gap."""
    clock = Clock(container)
    mixer: Mixer | None = None
    for frame in chain(_frames(container, track, clock, findings), (None,)):
        gap = clock.samples_before(frame) if frame else 0
        if mixer and (frame is None or gap or mixer.format != format_of(frame)):
            yield from mixer.mix(None)
            mixer = None
        for start in range(0, gap, _PIECE):
            yield np.zeros(min(_PIECE, gap - start), np.float32)
        if frame:
            mixer = mixer or Mixer(frame)
            yield from mixer.mix(frame)


def _frames(container: "InputContainer", track: int, clock: Clock, findings: Findings) -> "Iterator[AudioFrame]":
    import av

    stream: AudioStream = container.streams[track]  # type: ignore[assignment]
    stream.codec_context.thread_count = 1  # the sandbox forbids threads
    try:
        for packet in container.demux():
            if packet.stream.index != track:  # `stream_index` is 0 in the packets that flush decoders
                clock.see(packet)
                continue
            findings.packets += packet.size > 0
            try:
                yield from packet.decode()
            except av.error.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                findings.damaged += packet.size > 0
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        findings.broken_off = True


def _checked(pieces: list[Waveform]) -> Waveform:
    wav = np.concatenate(pieces)
    if not np.isfinite(wav).all():
        raise InvalidAudio("The file holds samples that are not numbers.")
    return wav


def _too_long(longest: float) -> InvalidAudio:
    return InvalidAudio(f"The clip lasts longer than {longest:g} s: cut it.")
