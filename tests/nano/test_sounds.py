"""Sounds, frames and voices by design."""

import ctypes.util
from itertools import pairwise

import numpy as np
import pytest
import torch

from scripts.train_nano import codec, encoder
from scripts.train_nano.cells import CELLS, NAMES, Cells
from scripts.train_nano.frames import BINS
from scripts.train_nano.phones import from_espeak
from scripts.train_nano.vocoder import CODES, Vocoder, overlapped
from scripts.train_nano.voices import (
    PITCHES,
    THROATS,
    VOICES,
    designed,
    hertz,
    phases_of,
    pitch_of,
    pitches_of,
    running,
    throats_of,
    voice,
    voices_of,
)

needs_espeak = pytest.mark.skipif(not ctypes.util.find_library("espeak-ng"), reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    return Vocoder()


def test_espeaks_finer_phonemes_fall_together() -> None:
    assert from_espeak("w_'O:_t#_3") == "WƆDɜ"
    assert from_espeak("l_'I_t#_@L") == "LꞮDəL"


def test_a_phoneme_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="qqq"):
        from_espeak("qqq")


@pytest.mark.parametrize("throat", range(len(THROATS)))
@pytest.mark.parametrize("pitch", [0, 1, 4, 7, 11])
def test_every_voice_of_the_codec_has_its_pitch(vocoder: Vocoder, pitch: int, throat: int) -> None:
    count = 50
    pitches = np.full(count, pitch)
    voices = voices_of(pitches, running(pitches), np.full(count, throat))
    harmonics = (-4 - 5 * torch.arange(BINS) / BINS).expand(count, -1)
    noise, stages = torch.full((count, BINS), -9.0), torch.arange(count) % 5
    spectra = vocoder.frames(harmonics, noise, torch.ones(count, dtype=torch.bool), stages, torch.from_numpy(voices))
    audio = overlapped(*(x[None] for x in spectra))[0].numpy()
    assert abs(pitch_of(audio) / hertz(pitches)[0] - 1) < 0.02


def test_a_voice_is_told_by_its_pitch_its_phase_and_its_throat() -> None:
    every = np.arange(VOICES)
    assert np.array_equal(voices_of(pitches_of(every), phases_of(every), throats_of(every)), every)
    assert [
        voice(int(p), int(q), int(t))
        for p, q, t in zip(pitches_of(every), phases_of(every), throats_of(every), strict=True)
    ] == every.tolist()


def test_a_pitch_and_the_next_differ_by_one_in_one_digit() -> None:
    digits = [encoder.digits(torch.tensor(CELLS * voice(p)))[4:6] for p in range(PITCHES)]
    assert all((a - b).abs().sum() == 1 for a, b in pairwise(digits))


def test_a_sound_goes_through_its_cells_and_a_pause_knows_its_neighbours() -> None:
    cells = Cells(np.zeros((CELLS, 21), np.float32), np.arange(CELLS))
    assert len(NAMES) == CELLS
    assert [NAMES[c] for c in cells.of("ə", 0, 1, 5)] == [("ə", stage) for stage in range(5)]
    assert [NAMES[c][1] for c in cells.of("P", 0.5, 1, 4)] == [2, 2, 3, 3]
    assert cells.pause(6) == [1, 1, 0, 0, 2, 2]
    assert set(cells.pause(3, after=False, before=False)) == {cells.silence}


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
def test_every_frame_of_what_espeak_says_has_its_sound() -> None:
    from scripts.train_nano.espeak import Espeak, Voice
    from scripts.train_nano.spoken import cells_of, halves, say

    cells = Cells(np.zeros((CELLS, 21), np.float32), np.arange(CELLS))
    speech, sounds = say(Espeak(), "A garden, a story.", Voice())
    assert "".join(s.phone for s in sounds if s.phone != " ") == "əGⱭRDəNəSTƆRɨ"
    said = [NAMES[c][0] for c in cells_of(sounds, cells, len(speech.audio) // 320)]
    assert "".join(dict.fromkeys(said)) == "əGⱭRDN STƆɨ"
    assert {pair for pair, _, _ in halves(sounds)} >= {" ə", "GⱭ", "N ", "ST", "ɨ "}


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
    wanted = torch.zeros(4, 8)
    values = torch.zeros(4, 8)
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
