import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.audio.tempo import Tempo


def stretched(wav: NDArray[np.float32], speed: float, piece: int) -> NDArray[np.float32]:
    tempo = Tempo(speed)
    parts = [tempo.write(wav[at : at + piece]) for at in range(0, len(wav), piece)]
    return np.concatenate([*parts, tempo.close()])


def pitch(wav: NDArray[np.float32]) -> float:
    """Hz of the strongest tone in [samples] at 16 kHz."""
    middle = wav[len(wav) // 4 : 3 * len(wav) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 65_536))
    return float(spectrum.argmax() * 16_000 / 65_536)


@pytest.mark.parametrize("speed", [0.25, 0.4, 0.5, 0.9, 1.5, 2.0, 4.0])
def test_duration_changes_and_pitch_does_not(speed: float) -> None:
    tone = np.sin(2 * np.pi * 220 * np.arange(48_000) / 16_000).astype(np.float32)
    changed = stretched(tone, speed, 5_000)
    assert len(changed) / 16_000 == pytest.approx(3 / speed, abs=0.1)
    assert pitch(changed) == pytest.approx(220, rel=0.02)


def test_the_cut_into_pieces_changes_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    np.testing.assert_array_equal(stretched(noise, 1.3, 777), stretched(noise, 1.3, 32_000))


def test_nothing_gives_nothing() -> None:
    tempo = Tempo(1.5)
    assert len(tempo.write(np.zeros(0, np.float32))) == len(tempo.close()) == 0
