"""The loudness meter, against signals of known loudness (EBU Tech 3341, one channel)."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.audio.encoder import encoded
from deployments.audio.meter import Loudness

RATE = 16_000


def tone(seconds: float, level: float = 0.0, frequency: float = 997.0) -> NDArray[np.float32]:
    """A sine whose peaks have so many dB below full scale."""
    wave = np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)
    return (wave * 10 ** (level / 20)).astype(np.float32)


def uneven(seconds: int) -> NDArray[np.float32]:
    """Noise that is louder and softer by turns."""
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.uniform(0, 0.2, seconds * 10), RATE // 10)
    return (rng.normal(0, 1, seconds * RATE) * levels).astype(np.float32)


def test_a_tone_of_full_scale_has_the_loudness_that_the_standard_names() -> None:
    found = Loudness.of([tone(5)])
    assert found.integrated == pytest.approx(-3.01, abs=0.05)
    assert found.rms == pytest.approx(-3.01, abs=0.01)
    assert found.true_peak == pytest.approx(0, abs=0.1)


def test_quiet_passages_do_not_count() -> None:
    loud = Loudness.of([tone(20, -20)]).integrated
    assert Loudness.of([tone(10, -36), tone(20, -20), tone(10, -36)]).integrated == pytest.approx(loud, abs=0.1)
    assert Loudness.of([tone(10, -100), tone(20, -20), np.zeros(RATE, np.float32)]).integrated == pytest.approx(
        loud, abs=0.1
    )


def test_a_low_tone_counts_less_than_its_level() -> None:
    assert Loudness.of([tone(5, -20, 30)]).integrated < Loudness.of([tone(5, -20, 400)]).integrated - 5


def test_peaks_between_samples_are_found() -> None:
    between = np.sin(2 * np.pi * RATE / 4 * np.arange(RATE) / RATE + np.pi / 4).astype(np.float32)
    assert np.abs(between).max() < 0.71
    assert Loudness.of([between]).true_peak == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("size", [1, 77, 1_600, 40_000])
def test_the_cut_into_pieces_changes_nothing(size: int) -> None:
    wav = uneven(6)[: 6 * RATE if size > 1 else 4_000]
    pieces = [wav[at : at + size] for at in range(0, len(wav), size)]
    whole, cut = Loudness.of([wav]), Loudness.of(pieces)
    for name in ("integrated", "true_peak", "rms"):
        assert getattr(cut, name) == pytest.approx(getattr(whole, name), abs=1e-3)


@pytest.mark.parametrize("pieces", [[], [np.zeros(0, np.float32)], [np.zeros(100, np.float32)], [tone(0.05, -90)]])
def test_nothing_and_silence_have_a_loudness_too(pieces: list[NDArray[np.float32]]) -> None:
    found = Loudness.of(pieces)
    assert (found.integrated, found.true_peak < -80, found.rms < -80) == (-70, True, True)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="There is no ffmpeg.")
def test_ffmpeg_measures_the_same(tmp_path: Path) -> None:
    wav = uneven(30)
    (tmp_path / "noise.flac").write_bytes(encoded(wav, "flac", RATE))
    command = ["ffmpeg", "-nostats", "-i", "noise.flac", "-filter_complex", "ebur128=peak=true", "-f", "null", "-"]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True).stderr
    integrated, peak = (float(re.findall(rf"{name}:\s+(-?[\d.]+) (?:LUFS|dBFS)", report)[-1]) for name in ("I", "Peak"))
    found = Loudness.of([wav])
    assert found.integrated == pytest.approx(integrated, abs=0.1)
    assert found.true_peak == pytest.approx(peak, abs=0.2)
