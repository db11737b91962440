import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.speech.edges import LEAD, TRAIL, Edges
from deployments.xcodec2.protocol import HOP, Waveform


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
