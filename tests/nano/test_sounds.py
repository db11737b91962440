"""Sounds, frames and voices by design."""

import ctypes.util

import numpy as np
import pytest
import torch

from scripts.train_nano import codec, encoder
from scripts.train_nano.cells import CELLS, Cells
from scripts.train_nano.frames import BINS
from scripts.train_nano.phones import from_espeak
from scripts.train_nano.vocoder import CODES, Vocoder
from scripts.train_nano.voices import CODE_VOICES, designed, pitch_of

needs_espeak = pytest.mark.skipif(not ctypes.util.find_library("espeak-ng"), reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def cells() -> Cells:
    """One vowel-like envelope for all, half of the cells voiced."""
    centres = np.random.default_rng(0).normal(0, 5, (CELLS, 21)).astype(np.float32)
    centres[:, -1] = np.where(np.arange(CELLS) % 2, 6.0, 0.0)
    envelope = 4 - 12 * np.arange(BINS) / BINS
    return Cells(centres, np.tile(envelope, (CELLS, 1)).astype(np.float32))


@pytest.fixture(scope="module")
def vocoder(cells: Cells) -> Vocoder:
    return Vocoder.design(cells)


def test_espeaks_finer_phonemes_fall_together() -> None:
    assert from_espeak("w_'O:_t#_3") == "WƆDɜ"
    assert from_espeak("l_'I_t#_@L") == "LꞮDəL"


def test_a_phoneme_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="qqq"):
        from_espeak("qqq")


def test_quantising_keeps_still_rather_than_flicker(cells: Cells) -> None:
    near = cells.centres[[7, 7, 9, 7, 7]].copy()
    near[2] = cells.centres[7] + 0.02 * (cells.centres[9] - cells.centres[7])
    assert cells.quantise(near) == [7] * 5


@pytest.mark.parametrize("voice", range(len(CODE_VOICES)))
def test_every_voice_of_the_codec_has_its_pitch(vocoder: Vocoder, voice: int) -> None:
    audio = vocoder.speak(torch.full((1, 40), 1 + CELLS * voice))[0].numpy()
    assert abs(pitch_of(audio) / CODE_VOICES[voice].f0 - 1) < 0.02


def test_the_codec_counts_as_many_codes_as_the_design() -> None:
    assert int(np.prod(codec.LEVELS)) == CODES
    assert min(codec.LEVELS) > 2


def test_features_are_those_of_the_extractor_that_the_service_uses() -> None:
    audio = np.random.default_rng(1).normal(0, 0.05, 16000).astype(np.float32)
    wave = codec.pad(audio)
    theirs = codec._EXTRACTOR(np.pad(wave, (160, 160)), sampling_rate=16000, return_tensors="pt").input_features
    assert (theirs - codec.filterbank(torch.from_numpy(wave)[None])).abs().max() < 1e-3


@needs_espeak
def test_espeak_tells_the_time_of_every_sound() -> None:
    from scripts.train_nano.espeak import Espeak

    speech = Espeak().say("hello world")
    names = [name for _, name in speech.phonemes if not name.startswith("_")]
    assert names[0] == "h"
    assert 0.5 < len(speech.audio) / 16000 < 2


@needs_espeak
def test_a_designed_voice_says_the_same_sounds_otherwise() -> None:
    from scripts.train_nano.espeak import Espeak, Voice

    designs = designed(4)
    espeak = Espeak({name: file for name, (_, file) in designs.items()})
    own = espeak.say("hello world")
    for name in designs:
        strange = espeak.say("hello world", Voice(name))
        assert [sound for _, sound in strange.phonemes] == [sound for _, sound in own.phonemes]
        assert not np.array_equal(strange.audio, own.audio)


def test_a_design_is_always_the_same() -> None:
    assert designed(3) == designed(3)
    assert list(designed(5).items())[:3] == list(designed(3).items())
    assert len({file for _, file in designed(20).values()}) == 20


def test_beyond_a_neighbour_a_cell_is_no_further_astray() -> None:
    wanted = torch.zeros(4, 6)
    values = torch.zeros(4, 6)
    values[1:, 0] = torch.tensor([1.0, 2.0, 3.0])
    values[:, 5] = 1.0  # pitch and throat are no part of it
    right, near, far, further = encoder.astray(values, wanted).tolist()
    assert right == 0
    assert 0.5 < near < far
    assert further - far < 0.02


def test_what_is_heard_in_training_is_what_the_service_hears() -> None:
    torch.manual_seed(0)
    model = codec.build().eval()
    wave = np.random.default_rng(2).normal(0, 0.1, 8000).astype(np.float32)
    assert encoder.heard_codes(model, wave) == codec.encode(model, wave)
