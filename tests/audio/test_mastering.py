from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.audio.mastering import LoudnessTarget, Master
from deployments.audio.meter import Loudness

RNG = np.random.default_rng(0)
SPIKY = (RNG.laplace(0, 0.02, 320_000) * np.repeat(RNG.uniform(0, 1, 200), 1_600)).astype(np.float32)
"""[samples] with peaks 19 dB above their loudness, as untreated speech has."""


def pieces() -> Iterator[NDArray[np.float32]]:
    return iter(np.array_split(SPIKY, 33))


def mastered(target: LoudnessTarget) -> NDArray[np.float32]:
    return np.concatenate([*Master.of(target, pieces).applied(pieces())])


@pytest.mark.parametrize(("target", "lufs"), [("ebu", -23), (-18.0, -18), (-30.0, -30)])
def test_a_recording_gets_the_loudness_and_the_peaks_of_ebu_r_128(target: LoudnessTarget, lufs: float) -> None:
    found = Loudness.of([mastered(target)])
    assert found.integrated == pytest.approx(lufs, abs=0.3)
    assert found.true_peak <= -0.9


def test_a_recording_meets_the_requirements_of_acx() -> None:
    found = Loudness.of([mastered("acx")])
    assert -23 < found.rms < -18
    assert found.true_peak < -3


def test_nothing_is_moved_or_cut_where_peaks_are_limited() -> None:
    wav = mastered(-16.0)
    assert len(wav) == len(SPIKY)
    part = slice(100_000, 108_000)
    lag = int(np.argmax(np.correlate(wav[part], SPIKY[part], "full"))) - 7_999
    assert lag == 0


def test_peaks_are_left_alone_where_they_may_be() -> None:
    assert Master.of("ebu", pieces).ceiling is None
    wav = mastered("ebu")
    np.testing.assert_allclose(wav, SPIKY * (wav[1_000] / SPIKY[1_000]), rtol=1e-4, atol=1e-6)


def test_silence_stays_silent() -> None:
    silence = [np.zeros(16_000, np.float32)]
    assert not np.concatenate([*Master.of("ebu", lambda: silence).applied(silence)]).any()
