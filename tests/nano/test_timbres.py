"""What the plain voice becomes at every pitch and in every throat."""

from pathlib import Path

import numpy as np
import torch

from scripts.train_nano.frames import BINS
from scripts.train_nano.timbre_fit import averaged
from scripts.train_nano.timbres import CEPSTRA, Timbres, long_term
from scripts.train_nano.vocoder import Vocoder, overlapped
from scripts.train_nano.voices import PITCHES, THROATS


def test_a_hiss_takes_the_colour_of_its_timbre() -> None:
    colour = np.zeros(CEPSTRA)
    colour[1], colour[4] = 1.5, -0.8
    heard = []
    for cepstra in (np.zeros(CEPSTRA), colour):
        vocoder = Vocoder(timbres=Timbres(np.ones(1), np.broadcast_to(cepstra, (PITCHES, 1, CEPSTRA))))
        count = 60
        noise, stages, voices = torch.full((count, BINS), -3.0), torch.arange(count) % 5, torch.zeros(count).long()
        spectra = vocoder.frames(noise - 9, noise, torch.zeros(count, dtype=torch.bool), stages, voices)
        heard.append(long_term(overlapped(*(x[None] for x in spectra))[0].numpy()))
    assert np.abs(heard[1] - heard[0] - colour).max() < 0.15


def test_a_long_term_spectrum_is_the_same_however_loud_it_is() -> None:
    hiss = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert np.abs(long_term(hiss) - long_term(3 * hiss)).max() < 1e-3


def test_a_timbre_is_the_mean_of_the_clips_near_its_pitch_in_its_throat() -> None:
    pitches, throats = np.array([2.0, 2.0, 9.0, 2.0]), np.array([0, 0, 0, 2])
    means = averaged(pitches, throats, np.array([[1.0], [3.0], [50.0], [7.0]]))
    assert means.shape == (PITCHES, len(THROATS), 1)
    assert abs(means[2, 0, 0] - 2) < 0.1
    assert abs(means[2, 2, 0] - 7) < 0.1
    assert abs(means[9, 0, 0] - 50) < 0.1


def test_where_nobody_was_heard_a_timbre_is_that_of_the_nearest_of_any_throat() -> None:
    means = averaged(np.array([2.0, 11.0]), np.array([0, 0]), np.array([[1.0], [9.0]]))
    assert means[2, 1, 0] < 2 < 8 < means[11, 1, 0]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    shipped = Timbres.load()
    shipped.save(tmp_path / "timbres.json")
    again = Timbres.load(tmp_path / "timbres.json")
    assert np.array_equal(again.cepstra, shipped.cepstra)
    assert np.array_equal(again.warps, shipped.warps)
    assert again.colours().shape == (PITCHES, len(THROATS), BINS)
