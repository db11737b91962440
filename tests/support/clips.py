"""Clips in all kinds of files, made on the spot."""

import io
import wave
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

FORMATS: Final = {
    # name: (container, codec, rate, layout)
    "wav 8 bit": ("wav", "pcm_u8", 8_000, "mono"),
    "wav 16 bit": ("wav", "pcm_s16le", 16_000, "mono"),
    "wav 24 bit stereo": ("wav", "pcm_s24le", 44_100, "stereo"),
    "wav 32 bit": ("wav", "pcm_s32le", 48_000, "mono"),
    "wav float": ("wav", "pcm_f32le", 22_050, "stereo"),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "m4a": ("ipod", "aac", 44_100, "mono"),
    "aac": ("adts", "aac", 44_100, "mono"),
    "flac": ("flac", "flac", 48_000, "stereo"),
    "ogg": ("ogg", "libopus", 48_000, "mono"),
    "ogg vorbis": ("ogg", "vorbis", 44_100, "stereo"),
    "webm": ("webm", "libopus", 48_000, "stereo"),
}


def voice(seconds: float = 2.0, rate: int = 16_000, level: float = 0.3) -> NDArray[np.float32]:
    """[samples] a buzz whose loudness rises and falls as syllables do; not speech, but not silence either."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 12))
    wav: NDArray[np.float32] = (level * buzz * np.sin(2 * np.pi * 2 * time) ** 2 / 2).astype(np.float32)
    return wav


def encode(wav: NDArray[np.float32], name: str) -> bytes:
    """A file of the named format; `wav` is at the format's rate."""
    container_format, codec, rate, layout = FORMATS[name]
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        options = {"strict": "experimental"} if codec == "vorbis" else {}
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options)
        channels = stream.layout.nb_channels
        frame = av.AudioFrame.from_ndarray(np.stack([wav] * channels), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def wav_file(wav: NDArray[np.float32], rate: int = 16_000) -> bytes:
    """16-bit mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes((wav * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def mono(seconds: float, rate: int) -> NDArray[np.float32]:
    """[1, samples] of `voice`."""
    return voice(seconds, rate)[None]


def level(wav: NDArray[np.float32]) -> float:
    """RMS."""
    return float(np.sqrt(np.square(wav).mean()))
