"""Subtitles that are spoken in their times."""

import random
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.audio.encoder import encoded
from deployments.errors import InvalidInput
from deployments.jobs.manuscript import read_file
from deployments.jobs.order import Chapter, JobOrder, Slot
from deployments.jobs.records import Recorded
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.jobs.subtitles import Cue, read_subtitles
from deployments.jobs.timing import FASTEST, fitted, overruns
from deployments.text.script import Script, Segment
from tests.jobs.conftest import Start, reached
from tests.support.scripted import REFERENCE

RATE = 16_000
SRT = """1
00:00:01,500 --> 00:00:03,000
<i>Good</i> morning,
Anna.

2
01:00:00,000 --> 01:00:02,5
{\\an8}It is late.

3
00:00:04,000 --> 00:00:05,000
♪
"""
VTT = """WEBVTT - A film

NOTE A comment
00:00 --> 00:01

STYLE
::cue { color: red }

intro
00:01.500 --> 00:03.000 align:start
<v Fred>Good &amp; bad.
"""


def test_cues_of_subrip_and_webvtt_are_read_without_their_markup() -> None:
    assert read_subtitles(SRT) == (Cue(1.5, 3, "Good morning, Anna."), Cue(3600, 3602.5, "It is late."))
    assert read_subtitles(VTT) == (Cue(1.5, 3, "Good & bad."),)
    assert read_subtitles("\ufeff" + SRT.replace("\n", "\r\n")) == read_subtitles(SRT)


@pytest.mark.parametrize(
    "text", ["", "Hello.", "1\n00:00:01,000 --> 00:00:02,000\n♪\n", "1\n999:00:01,0 --> 999:00:02,0\na"]
)
def test_files_without_cues_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_file(text.encode(), "film.srt")


def part(start: float, end: float, seconds: float) -> Recorded:
    return Recorded(1, "key", seconds, 0.0, 0.5, f"{start}", start, end)


def test_a_part_that_is_a_little_long_is_spoken_faster() -> None:
    [placed] = fitted([part(1, 3, 2.2)])
    assert (placed.before, placed.seconds) == (1, 2)
    assert placed.rate == pytest.approx(1.1)


def test_a_longer_one_also_takes_the_gap_after_its_cue_and_then_overruns() -> None:
    parts = [part(1, 3, 3.6), part(4, 5, 1), part(6, 7, 4), part(7, 8, 0.5), part(9, 10, 0.5)]
    placed = fitted(parts)
    assert placed[0].seconds == pytest.approx(2.92)
    assert placed[0].rate == pytest.approx(3.6 / 2.92)
    assert placed[2].rate == FASTEST
    assert [(late.part, late.late, late.over) for late in overruns(parts)] == [(3, 0, 1.5), (4, 1.5, pytest.approx(0))]
    assert not overruns(parts[:2])


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 3), st.floats(0.05, 6)), max_size=20))
def test_parts_keep_their_order_never_overlap_and_never_begin_early(cues: list[tuple[float, float, float]]) -> None:
    parts, at = [], 0.0
    for gap, length, seconds in cues:
        parts.append(part(at + gap, at + gap + length, seconds))
        at += gap + length
    at = 0.0
    for placed in fitted(parts):
        assert placed.before >= 0
        assert 1 <= placed.rate <= FASTEST + 1e-9
        assert placed.slot_start is not None
        assert at + placed.before >= placed.slot_start - 1e-9
        at += placed.before + placed.seconds


class Actor:
    """Speaks 15 characters a second, some faster and some slower: noise from the first to the last sample."""

    async def record(self, order: PartOrder) -> RecordedPart:
        rng = random.Random(order.text)  # noqa: S311
        wav = np.random.default_rng(0).uniform(-0.2, 0.2, int(len(order.text) / 15 * rng.uniform(0.8, 1.3) * RATE))
        return RecordedPart(encoded(wav.astype(np.float32), "flac", RATE))


async def test_two_hundred_cues_are_spoken_in_their_times(start: Start, tmp_path: Path) -> None:
    rng = random.Random(1)  # noqa: S311
    cues, at = [], 1.0
    for n in range(200):
        text = f"Line {n}: " + "word " * rng.randint(1, 12) + "end."
        length = max(len(text) / rng.uniform(13, 17), 1.0)
        cues.append(Cue(round(at, 3), round(at + length, 3), text))
        at += length + rng.uniform(0.1, 1.5)
    script = Script(tuple(Segment(cue.text) for cue in cues))
    chapter = Chapter("Film", script, tuple(Slot(cue.start, cue.end) for cue in cues))
    jobs = await start(Actor())
    job = await jobs.create("me", JobOrder((chapter,), {}, REFERENCE, "tiny", sample_rate=RATE))
    done = await reached(jobs, job.id, "done")
    file = await jobs.file("me", job.id, "wav", None)
    path = tmp_path / "film.wav"
    path.write_bytes(b"".join([data async for data in jobs.read("me", job.id, file.name, 0, file.size)]))
    with av.open(str(path)) as audio:
        wav = np.concatenate([frame.to_ndarray().reshape(-1) for frame in audio.decode(audio=0)])
    loud = np.abs(wav.astype(np.float32)) > 300
    good = 0
    for cue, following in zip(cues, [*cues[1:], None], strict=True):
        limit = following.start if following else at
        begin, end = round(cue.start * RATE), round(limit * RATE)
        # It is silent just before, sound begins within 0.1 s, and it has ended when its time is over.
        before = loud[max(begin - 160, 0) : begin - 8].any()
        begun = loud[begin : begin + RATE // 10].any()
        good += int(begun and not before and not loud[end - 80 : end - 8].any())
    assert good >= 190
    assert 200 - good <= len(done.overruns) + 10
    assert all(late.late > 0.1 or late.over > 0.1 for late in done.overruns)
