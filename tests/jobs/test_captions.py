"""Captions of jobs, against sound whose words are known."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.audio.encoder import encoded
from deployments.jobs.captions import captions
from deployments.jobs.plan import split
from deployments.jobs.records import Recorded
from deployments.jobs.sound import Recording, pieces, starts
from tests.support.long_speech import order

RATE = 16_000


def spoken(folder: Path, key: str, *stretches: float, gap: float = 0.3) -> tuple[float, Path]:
    """A file with stretches of noise of so many seconds, and gaps between them. Returns its duration, too."""
    rng = np.random.default_rng(0)
    parts = [np.zeros(int(0.1 * RATE))]
    for seconds in stretches:
        parts += [rng.uniform(-0.1, 0.1, int(seconds * RATE)), np.zeros(int(gap * RATE))]
    wav = np.concatenate(parts).astype(np.float32)
    path = folder / f"{key}.flac"
    path.write_bytes(encoded(wav, "flac", RATE))
    return len(wav) / RATE, path


def book(folder: Path, count: int) -> Recording:
    """Parts of two sentences: the first takes a second, the other two."""
    duration, path = spoken(folder, "part", 1.0, 2.0, gap=0.6)
    text = "It was night. And the long road was quite empty."
    return [(Recorded(1, "part", duration, 0.0, 0.3333 + n / 1e5, text), path) for n in range(count)]


def test_lines_stand_where_the_sound_is_also_at_the_end_of_hours(tmp_path: Path) -> None:
    parts = book(tmp_path, 1_000)
    lines = captions(parts)
    assert [line.text for line in lines[-2:]] == ["It was night.", "And the long road was quite empty."]
    # Where the sound is: counted in the samples of the file.
    tail = 0
    for part, _ in parts[:-1]:
        tail += round(part.seconds * RATE) + round(part.pause * RATE)
    assert tail / RATE > 3_600
    first, second = lines[-2:]
    assert first.start == pytest.approx(tail / RATE + 0.1, abs=0.03)
    assert first.end == pytest.approx(tail / RATE + 1.1, abs=0.03)
    assert second.start == pytest.approx(tail / RATE + 1.7, abs=0.03)
    assert second.end == pytest.approx(tail / RATE + 3.7, abs=0.03)


def test_parts_begin_where_the_sound_has_them(tmp_path: Path) -> None:
    parts = book(tmp_path, 20)
    wav = np.concatenate([*pieces(parts)])
    for _, _, start in starts(part for part, _ in parts):
        at = round(start * RATE)
        assert not wav[max(at - 1_000, 0) : at + 1_500].any()
        assert wav[at + 1_700 : at + 2_000].any()


def test_captions_show_what_was_written() -> None:
    parts = [*split("me", order("It cost $5 or 10%.\n\nDr. Smith walked 3 km."))]
    assert [part.text for part in parts] == [
        "It cost five dollars or ten percent.",
        "Doctor Smith walked three kilometers.",
    ]
    assert [part.written for part in parts] == ["It cost $5 or 10%.", "Dr. Smith walked 3 km."]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.05, 2), max_size=5),
    st.text("ab .,1他。", max_size=60),
    st.floats(0, 0.5),
)
def test_every_word_has_a_place_within_its_part(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[float], text: str, gap: float
) -> None:
    duration, path = spoken(tmp_path_factory.mktemp("part"), "part", *stretches, gap=gap)
    lines = captions([(Recorded(1, "part", duration, 1.0, 0.0, text), path)])
    words = [word for line in lines for word in line.words]
    assert "".join(word.text for word in words) == "".join(text.split())
    assert all(1 <= word.start <= word.end <= 1.001 + duration for word in words)
    assert all(one.end <= other.start + 0.001 for one, other in pairwise(words))
