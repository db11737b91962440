"""Reading a clip: any audio that FFmpeg reads in, what the models hear out."""

import re
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from deployments.errors import InvalidAudio
from deployments.xcodec2.protocol import SAMPLE_RATE

if TYPE_CHECKING:
    from av.container import InputContainer

_SILENCE: Final = 1e-3
"""Peak (-60 dBFS) below which a clip holds no voice."""
_MISSING: Final = 0.1
"""Part of its declared length that a file may lack before it counts as cut off."""
_FRAMES_ONLY: Final = {"aac", "ac3", "amr", "dts", "eac3", "mp3", "mpeg", "mpegts"}
"""FFmpeg's names of formats without a header, of whose length it has a guess by the bit rate of their beginning."""
_MP3_HEADER: Final = re.compile(rb"\xff[\xe2-\xff].{2}(?:.{9}|.{17}|.{32})(?:Xing|Info|VBRI)", re.DOTALL)
"""The first frame of most MP3, which tells how many come: by Xing, LAME or Fraunhofer."""


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """Seconds a clip may last."""

    shortest: float
    longest: float


def read_clip(file: IO[bytes] | bytes, limits: ClipLimits, param: str = "audio") -> NDArray[np.float32]:
    """Decodes a file to mono at 16 kHz. Blocks: call it in a thread.

    Args:
        file: In any container, codec, rate, width and number of channels that FFmpeg reads.
        limits: Reading stops once the longest is passed.
        param: Name of the request's field, for errors.

    Returns:
        [samples] float32, full scale ±1.

    Raises:
        InvalidAudio: empty, no audio, cut off, silent, too short or too long.
    """
    import av

    source = BytesIO(file) if isinstance(file, bytes) else file
    head = source.read(65_536)
    if not head:
        raise InvalidAudio("The file is empty.", param)
    source.seek(0)
    try:
        with av.open(source, "r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise InvalidAudio("The file holds no audio.", param)
            wav = _decode(container, limits, param)
            declared = _declared_seconds(container, head)
    except av.error.FFmpegError as error:
        raise InvalidAudio(
            f"The file cannot be read as audio ({error.strerror}): send wav, mp3, m4a, flac, ogg or webm.", param
        ) from error
    seconds = len(wav) / SAMPLE_RATE
    if declared is not None and seconds < declared * (1 - _MISSING) - 0.1:
        raise InvalidAudio(f"The file is cut off: it should last {declared:.2f} s and holds {seconds:.2f} s.", param)
    if seconds < limits.shortest:
        raise InvalidAudio(f"The clip lasts {seconds:.2f} s: at least {limits.shortest:g} s are needed.", param)
    if np.abs(wav).max() < _SILENCE:
        raise InvalidAudio("The clip is silent.", param)
    return wav


def _decode(container: "InputContainer", limits: ClipLimits, param: str) -> NDArray[np.float32]:
    from av import AudioResampler

    resampler = AudioResampler(format="fltp", rate=SAMPLE_RATE)
    parts: list[NDArray[np.float32]] = []
    samples = 0
    for frame in chain(container.decode(audio=0), [None]):  # None flushes the resampler
        for resampled in resampler.resample(frame):
            # Channels are averaged here: FFmpeg's own mix to mono is 3 dB louder, which clips.
            parts.append(resampled.to_ndarray().mean(axis=0))
            samples += len(parts[-1])
        if samples > limits.longest * SAMPLE_RATE:
            raise InvalidAudio(f"The clip lasts longer than {limits.longest:g} s: cut it.", param)
    if not parts:
        raise InvalidAudio("The file holds no audio that can be decoded.", param)
    wav = np.concatenate(parts)
    if not np.isfinite(wav).all():
        raise InvalidAudio("The file holds samples that are not numbers.", param)
    return wav


def _declared_seconds(container: "InputContainer", head: bytes) -> float | None:
    stream = container.streams.audio[0]
    guessed = container.format.name in _FRAMES_ONLY and not _MP3_HEADER.search(head)
    if guessed or stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)
