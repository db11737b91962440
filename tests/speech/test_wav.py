import io
import wave

import numpy as np
import pytest

from deployments.speech.wav import resample, write_wav
from tests.clips import voice


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_file_has_its_rate_and_the_same_duration_at_every_rate(rate: int) -> None:
    with wave.open(io.BytesIO(write_wav(resample(voice(1.0), rate), rate))) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (rate, 1, 2)
        assert reader.getnframes() == rate


def test_resampling_keeps_the_tone() -> None:
    time = np.arange(16_000) / 16_000
    there = resample(np.sin(2 * np.pi * 1_000 * time).astype(np.float32), 24_000)
    spectrum = np.abs(np.fft.rfft(there))
    assert np.argmax(spectrum) == 1_000
    assert np.delete(spectrum, range(990, 1_011)).max() < spectrum.max() / 1_000


def test_samples_beyond_full_scale_are_clipped_not_wrapped() -> None:
    with wave.open(io.BytesIO(write_wav(np.array([2.0, -2.0, 0.0], np.float32), 16_000))) as reader:
        assert np.frombuffer(reader.readframes(3), "<i2").tolist() == [32_767, -32_767, 0]
