"""What is measured in a recording, against a vowel whose pitch, formants and level are known."""

from itertools import pairwise

import numpy as np
import pytest

from deployments.audio.prosody import Prosody
from tests.support.readers import vowel


def distance(one: Prosody, other: Prosody) -> float:
    return float(np.sqrt(np.square(np.subtract(one.timbre, other.timbre)).mean()))


@pytest.mark.parametrize("hertz", [75.0, 120.0, 180.5, 252.0, 390.0])
def test_pitch_is_measured_to_a_tenth_of_a_semitone(hertz: float) -> None:
    found = Prosody.of(vowel(4, 12 * float(np.log2(hertz / 120))), 4)
    assert found.pitch == pytest.approx(12 * np.log2(hertz / 100), abs=0.1)


def test_a_gain_changes_levels_and_nothing_else() -> None:
    loud, soft = Prosody.of(vowel(4, level=-20), 4), Prosody.of(vowel(4, level=-35), 4)
    assert loud.level == pytest.approx(-20, abs=0.3)
    assert (loud.level - soft.level, loud.peak - soft.peak) == pytest.approx((15, 15), abs=0.1)
    assert (loud.sound, loud.pace, loud.pitch) == (soft.sound, soft.pace, soft.pitch)
    assert distance(loud, soft) < 0.1


def test_pauses_do_not_count_as_slow_speech() -> None:
    dense, paused = vowel(4), np.concatenate([np.pad(piece, (0, 8_000)) for piece in np.array_split(vowel(4), 3)])
    paces = [Prosody.of(wav, 4).pace for wav in (dense, paused, vowel(5))]
    assert paces[1] == pytest.approx(paces[0], abs=0.02)
    assert paces[2] - paces[0] == pytest.approx(np.log(5 / 4), abs=0.02)


def test_timbre_is_farther_the_more_the_formants_move() -> None:
    usual = Prosody.of(vowel(4), 4)
    found = [distance(usual, Prosody.of(vowel(4, formants=factor), 4)) for factor in (1.0, 1.06, 1.12, 1.25)]
    assert all(one < other for one, other in pairwise(found))
    assert found[2] > 1.6


@pytest.mark.parametrize(
    "wav",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(32_000, np.float32),
        np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32),
    ],
    ids=["empty", "shorter than a frame", "silent", "noise"],
)
def test_without_a_voice_there_is_no_pitch(wav: np.ndarray) -> None:
    found = Prosody.of(wav, 2)
    assert (found.pitch, found.timbre) == (None, ())
