import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.audio.trim import LEAD, TRAIL, Edges, crossfaded, gap
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform


def frames(levels: list[float]) -> Waveform:
    """A tone with so loud frames."""
    tone = np.sin(np.arange(len(levels) * HOP) * 0.3)
    wav: Waveform = (tone * np.repeat(levels, HOP)).astype(np.float32)
    return wav


def trimmed(wav: Waveform, cuts: list[int]) -> Waveform:
    edges = Edges()
    return np.concatenate([*(edges.push(part) for part in np.split(wav, cuts)), edges.finish()])


def test_silence_before_and_after_is_cut_and_silence_inside_stays() -> None:
    done = trimmed(frames([0] * 20 + [0.3] * 10 + [0] * 30 + [0.3] * 10 + [0] * 40), [])
    assert len(done) == (LEAD + 50 + TRAIL) * HOP


def test_a_take_begins_and_ends_at_nought() -> None:
    done = trimmed(frames([0.5] * 20), [])
    assert len(done) == 20 * HOP
    assert np.abs(done[[0, -1]]).max() < 0.002
    assert np.abs(done[HOP : 19 * HOP]).max() > 0.4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.001, 0.3]), min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_however_it_is_cut_the_samples_are_the_same(levels: list[float], cuts: list[int]) -> None:
    wav = frames(levels)
    pieces = sorted(min(cut, len(levels)) * HOP for cut in cuts)
    assert np.array_equal(trimmed(wav, pieces), trimmed(wav, []))


def test_a_take_in_which_nothing_is_said_comes_out_whole() -> None:
    assert len(trimmed(frames([0.001] * 30), [10 * HOP])) == 30 * HOP
    assert len(trimmed(frames([]), [])) == 0


@pytest.mark.parametrize(("levels", "quiet"), [([0.3] * 5, 0), ([0.3] * 5 + [0] * 7, 7), ([0] * 4, 4)])
def test_it_knows_for_how_long_nothing_has_been_said(levels: list[float], quiet: int) -> None:
    edges = Edges()
    edges.push(frames(levels))
    assert edges.quiet == quiet


@pytest.mark.parametrize("pause", [0.6, 0.35, 0.1, 0.05])
def test_with_what_takes_keep_of_silence_the_gap_makes_the_pause(pause: float) -> None:
    take = trimmed(frames([0] * 9 + [0.3] * 10 + [0] * 9), [])
    between = gap(pause)
    if between >= 0:
        both = np.concatenate([take, np.zeros(between, np.float32), take])
    else:
        both = np.concatenate([take[:between], crossfaded(take[between:], take)])
    spoken = 10 * HOP
    assert len(both) == LEAD * HOP + spoken + round(pause * SAMPLE_RATE) + spoken + TRAIL * HOP


def test_a_crossfade_of_one_sound_with_itself_is_that_sound() -> None:
    tone = frames([0.3] * 10)
    np.testing.assert_allclose(crossfaded(tone[: 3 * HOP], tone), tone, atol=1e-6)
    assert np.array_equal(crossfaded(tone[:0], tone), tone)
