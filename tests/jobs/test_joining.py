"""Joined files, against the samples of their parts: captions and chapters stand where the sound is."""

from pathlib import Path

import av
import numpy as np
import pytest

from deployments.audio.encoder import encoded
from deployments.audio.subtitles import srt
from deployments.jobs.captions import captions
from deployments.jobs.formats import BookFormat
from deployments.jobs.joining import join
from deployments.jobs.records import Book, Recorded
from deployments.jobs.sound import Recording, read
from deployments.jobs.subtitles import read_subtitles

RATE = 16_000
LENGTHS = (80_001, 95_003, 52_719, 90_007, 31_337)
"""Samples: no multiples of a frame of any codec, nor of a millisecond."""
CLOSE = 0.03
"""Seconds: captions end with whole frames of 20 ms, and lossy codecs smear."""


def spoken(folder: Path, parts: int) -> Recording:
    """Parts of two chapters, each a tone from its first sample to its last."""
    paths = []
    for length in LENGTHS:
        wav = (0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(length))).astype(np.float32)
        paths.append(folder / f"{length}.flac")
        paths[-1].write_bytes(encoded(wav, "flac", RATE))
    found = []
    for n in range(parts):
        which = n % len(LENGTHS)
        part = Recorded(1 + 2 * n // parts, "", LENGTHS[which] / RATE, 0.0, 0.5 + n % 97 / 1009, f"Part {n}.")
        found.append((part, paths[which]))
    return found


def tones(path: Path) -> list[tuple[float, float]]:
    """The seconds at which tones begin and end."""
    wav = np.concatenate([*read(path)])
    loud = np.flatnonzero(np.abs(wav[: len(wav) // 16 * 16].reshape(-1, 16)).max(axis=1) > 0.05)
    # A tone passes through zero: gaps of less than 20 ms are none.
    cuts = np.flatnonzero(np.diff(loud) > 20)
    edges = zip(loud[[0, *(cuts + 1)]] / 1000, (loud[[*cuts, -1]] + 1) / 1000, strict=True)
    return [(float(begin), float(end)) for begin, end in edges]


@pytest.mark.parametrize(
    ("format", "parts", "loudness"),
    [
        *[(format, 8, None) for format in ("m4b", "mp3", "opus", "flac", "wav")],
        ("m4b", 8, -14.0),
        *[pytest.param(format, 735, None, marks=pytest.mark.slow) for format in ("m4b", "mp3")],
    ],
)
def test_captions_and_chapters_stand_where_the_sound_is_also_at_the_end_of_an_hour(
    tmp_path: Path, format: BookFormat, parts: int, loudness: float | None
) -> None:
    recording = spoken(tmp_path, parts)
    path = tmp_path / f"book.{format}"
    join(path, format, Book("Book", None, None, ("One", "Two"), format, 24_000, loudness), recording)
    heard = tones(path)
    cues = read_subtitles(srt(captions(recording)))
    assert np.abs(np.array([(cue.start, cue.end) for cue in cues]) - heard).max() < CLOSE
    if format == "m4b":
        with av.open(str(path)) as file:
            begins = [float(chapter["start"] * chapter["time_base"]) for chapter in file.chapters()]
        second = next(n for n, (part, _) in enumerate(recording) if part.chapter == 2)
        assert begins == pytest.approx([heard[0][0], heard[second][0]], abs=CLOSE)
    assert parts < 735 or heard[-1][1] > 3_580
