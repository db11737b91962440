"""Speech as a WAV file, at any rate."""

import wave
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import SAMPLE_RATE


def resample(wav: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """[samples] at the codec's 16 kHz -> [round(samples * rate / 16000)] at `rate` Hz."""
    if rate == SAMPLE_RATE:
        return wav
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(wav, SAMPLE_RATE, rate, quality="HQ")
    return resampled


def write_wav(wav: NDArray[np.float32], rate: int) -> bytes:
    """A file of 16-bit mono PCM; samples beyond full scale are clipped."""
    pcm = (np.clip(wav, -1, 1) * 32_767).round().astype("<i2")
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm.tobytes())
    return file.getvalue()
