"""How natural speech is made ready to be learnt from."""

import numpy as np
import pytest

from scripts.train_nano.alignment import walk
from scripts.train_nano.misaki import sounds
from scripts.train_nano.pitch import median, track
from scripts.train_nano.recording import recorded, replayed
from scripts.train_nano.references import Reader


@pytest.mark.parametrize(
    ("phonemes", "expected"),
    [
        ("həlˈO ðˈɛɹ.", "HəLŌÐƐR․"),
        ("bˈɜɹd", "BꞫD"),
        ("kəɹˈɛliən", "KɜRƐLɨəN"),
        ("wˈɔːtə, plˈiːz", "WƆTə‚PLƗZ"),
        ("tʃˈɪp dʒˈæm", "CꞮPJÆM"),
    ],
)
def test_misakis_phonemes_have_our_sounds(phonemes: str, expected: str) -> None:
    assert sounds(phonemes) == expected


def test_a_phoneme_without_a_sound_is_told() -> None:
    with pytest.raises(ValueError, match="has no sound"):
        sounds("ʘ")


def test_a_walk_stands_goes_and_leaves_out_a_pause_that_nobody_makes() -> None:
    spoken = [0, 0, 1, 2, 2, 4, 5]
    costs = np.full((len(spoken), 6), 5.0, np.float32)
    costs[np.arange(len(spoken)), spoken] = 0
    optional = np.array([False, False, False, True, False, False])
    assert walk(costs, optional).tolist() == spoken


def test_the_pitch_of_a_voice_is_found_and_that_of_a_breath_is_not() -> None:
    time = np.arange(16_000) / 16_000
    voice = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 20))
    breath = np.random.default_rng(0).standard_normal(16_000) * 0.3
    pitches = track(np.asarray(np.concatenate([voice, breath]), np.float32))
    assert median(pitches[:45]) == pytest.approx(130, rel=0.03)
    assert (pitches[55:95] > 0).mean() < 0.2


def test_a_recording_lasts_as_long_as_what_it_is_of() -> None:
    voice = np.asarray(0.1 * np.sin(np.arange(8_000) / 9), np.float32)
    for seed in range(8):
        taken = recorded(voice, np.random.default_rng(seed), voice)
        assert taken.shape == voice.shape
        assert np.isfinite(taken).all()
        assert 0 < np.abs(taken).max() <= 1
    assert len(replayed(voice, 1.25)) == pytest.approx(6_400, abs=2)


def test_a_word_is_read_by_the_lexicon_whatever_stands_beside_it() -> None:
    read = Reader({"bog": "ZZ", "don't": "VV", "s": "ƐS"})
    assert read.sounds("bog, bog.") == "ZZ‚ZZ․"
    assert read.sounds("bog's") == "ZZZ"
    assert read.sounds("bog don't bog") == "ZZVVZZ"
    assert "ZZ" not in read.sounds("bogs bogbog")
    assert read.sounds("‹bog›") == "ZZ"
