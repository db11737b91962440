"""Parts that sound unlike the rest of their voice are spoken again, and levels are evened."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deployments.audio.loudness import loudness
from deployments.audio.prosody import Prosody
from deployments.jobs.drift import Manner, gain
from deployments.jobs.jobs import Jobs
from deployments.jobs.order import Chapter, JobOrder
from deployments.jobs.sound import read
from deployments.text.script import Script, Segment
from tests.jobs.conftest import Start, reached
from tests.support.long_speech import NAMES, order
from tests.support.readers import Reader, vowel
from tests.support.scripted import REFERENCE

SEED = 7
TEXT = "\n\n".join(
    f"This is what {name} says on day {number}, and it takes a while."
    for number in ("one", "two", "three")
    for name in NAMES
)
"""18 parts: the first 12 are those that the others are compared with."""
ODD = "Dora says on day three"
LATER = {"pitch": 4.0}


async def spoken(jobs: Jobs, asked: JobOrder | None = None) -> tuple[str, bytes]:
    """Speaks a job; returns its id and its file."""
    job = await jobs.create("me", asked or order(TEXT))
    await reached(jobs, job.id, "done")
    file = await jobs.file("me", job.id, "flac", None)
    return job.id, b"".join([data async for data in jobs.read("me", job.id, file.name, 0, file.size)])


@pytest.fixture(scope="module")
def usual() -> list[Prosody]:
    """A dozen parts that differ a little."""
    rng = np.random.default_rng(0)
    parts = [vowel(3 * (1 + rng.normal(0, 0.03)), rng.normal(0, 0.3), 1 + rng.normal(0, 0.01)) for _ in range(12)]
    return [Prosody.of(wav, 3) for wav in parts]


@pytest.mark.parametrize(
    ("wav", "reason"),
    [
        (vowel(3 / 0.75), "times as long"),
        (vowel(3 * 0.75), "times as long"),
        (vowel(3, pitch=3.0), "semitones higher"),
        (vowel(3, pitch=-3.0), "semitones lower"),
        (vowel(3, formants=1.2), "timbre"),
    ],
    ids=["slow", "fast", "high", "low", "another voice"],
)
def test_a_part_of_another_manner_is_found_and_the_reason_is_said(
    usual: list[Prosody], wav: np.ndarray, reason: str
) -> None:
    manner = Manner.of(usual)
    assert manner
    drift = manner.drift(Prosody.of(wav, 3))
    assert drift.excess > 1
    assert reason in drift.reason


def test_usual_parts_and_parts_too_short_to_compare_have_not_drifted(usual: list[Prosody]) -> None:
    manner = Manner.of(usual)
    assert manner
    assert all(manner.drift(part).excess < 1 for part in usual)
    assert manner.drift(Prosody.of(vowel(1, pitch=6), 2)).excess == 0
    assert manner.drift(Prosody.of(np.zeros(48_000, np.float32), 3)).excess == 0


def test_a_reader_who_varies_more_may_vary_more(usual: list[Prosody]) -> None:
    lively = [replace(part, pitch=(part.pitch or 0) + 2 * (-1) ** n) for n, part in enumerate(usual)]
    calm, moved = Manner.of(usual), Manner.of(lively)
    assert calm
    assert moved
    high = replace(usual[0], pitch=calm.pitch + 2.5)
    assert calm.drift(high).excess > 1 > moved.drift(high).excess


def test_few_parts_have_no_manner(usual: list[Prosody]) -> None:
    assert Manner.of(usual[:4]) is None
    assert Manner.of([Prosody.of(vowel(1), 1)] * 12) is None


@pytest.mark.parametrize(
    ("level", "peak", "wanted"),
    [(-33.0, -15.0, 8.0), (-20.0, -3.0, -5.0), (-45.0, -30.0, 10.0), (-33.0, -3.0, 2.0), (-33.0, -0.5, 0.0)],
    ids=["softer", "louder", "not by more than 10 dB", "only up to the peak", "never softer for its peak"],
)
def test_a_gain_brings_a_part_to_the_level_of_the_others(level: float, peak: float, wanted: float) -> None:
    assert gain(Prosody(level, peak, 3.0, 0.0), [-24.0, -25.0, -26.0]) == pytest.approx(wanted)


async def test_a_part_that_drifts_is_spoken_again_and_the_job_says_so(start: Start, tmp_path: Path) -> None:
    usual, drifting = Reader(), Reader(odd={(ODD, SEED): LATER})
    _, wanted = await spoken(await start(usual, folder=tmp_path / "usual"))
    jobs = await start(drifting)
    id, file = await spoken(jobs)
    assert [read for read in drifting.read if read[1] != SEED] == [(drifting.read[15][0], SEED + 1)]
    assert ODD in drifting.read[15][0]
    job = await jobs.get("me", id)
    assert (job.retaken, job.warnings) == (1, ())
    [event] = [event for event in await jobs.events("me", id) if event.type == "retake"]
    assert event.data == {"part": 16, "chapter": 1, "reason": event.data["reason"]}
    assert "semitones higher" in event.data["reason"]
    assert file != wanted
    # The same job costs nothing, and leaves nothing when it is deleted.
    again, same = await spoken(jobs)
    assert (same, len(drifting.read)) == (file, 19)
    for each in (id, again):
        await jobs.delete("me", each)
    assert not [*(tmp_path / "jobs" / "parts").glob("*/*.flac")]


async def test_the_best_of_three_takes_is_kept_with_a_warning(start: Start) -> None:
    odd = {(ODD, SEED): {"pitch": 5.0}, (ODD, SEED + 1): {"pitch": -3.0}, (ODD, SEED + 2): {"pitch": 4.0}}
    reader = Reader(odd=odd)
    jobs = await start(reader)
    id, _ = await spoken(jobs)
    assert [seed for text, seed in reader.read if ODD in text] == [SEED, SEED + 1, SEED + 2]
    job = await jobs.get("me", id)
    assert job.retaken == 1
    [warning] = job.warnings
    assert "1 of 18 parts" in warning
    assert "semitones lower" in warning
    assert (await jobs.list("me"))[0].warnings == job.warnings


async def test_a_further_take_that_cannot_be_spoken_does_not_fail_the_job(start: Start) -> None:
    reader = Reader(odd={(ODD, SEED): LATER}, failing={ODD: SEED + 1})
    jobs = await start(reader)
    id, _ = await spoken(jobs)
    job = await jobs.get("me", id)
    assert (job.parts_failed, job.retaken, len(job.warnings)) == (0, 0, 1)


async def test_without_chance_nothing_is_spoken_again(start: Start) -> None:
    reader = Reader(odd={(ODD, SEED): LATER})
    jobs = await start(reader)
    id, _ = await spoken(jobs, replace(order(TEXT), params={"temperature": 0.0}))
    assert len(reader.read) == 18
    assert len((await jobs.get("me", id)).warnings) == 1


async def test_parts_are_compared_with_those_of_their_own_voice(start: Start) -> None:
    script = Script((Segment(TEXT), Segment(TEXT.replace("what", "what Bob, not"), voice="bob")))
    reader = Reader(odd={("Bob", SEED): {"pitch": -6.0, "pace": 1.3}})
    jobs = await start(reader)
    await spoken(jobs, replace(order(cast={"bob": REFERENCE}), chapters=(Chapter("One", script),)))
    assert len(reader.read) >= 36
    assert {seed for _, seed in reader.read} == {SEED}


@pytest.mark.parametrize(("at_once", "stops"), [(1, 5), (4, 0), (4, 5)])
async def test_the_file_is_the_same_in_whatever_order_parts_end_and_however_often_the_service_does(
    tmp_path: Path, at_once: int, stops: int
) -> None:
    odd = {("Bert says on day one", SEED): LATER, (ODD, SEED): LATER, (ODD, SEED + 1): {"formants": 1.3}}
    # Of this one, the first take is the best.
    odd |= {("Carl says on day two", SEED + n): {"pitch": pitch} for n, pitch in enumerate((3.0, 6.0, -6.0))}
    folder = tmp_path / "jobs"
    reader = Reader(odd=odd)
    for stop in range(stops + 1):
        jobs = Jobs(folder, reader, at_once=at_once, delay=lambda attempt: 0)
        await jobs.start()
        if not stop:
            job = await jobs.create("me", order(TEXT))
        if stop < stops:
            wanted = (await jobs.get("me", job.id)).parts_done + 3
            async with asyncio.timeout(60):
                while (await jobs.get("me", job.id)).parts_done < wanted and len(reader.read) < 4 * (stop + 1):
                    await jobs.events("me", job.id, 10**9, wait_s=0.05)
            await jobs.close()
    await reached(jobs, job.id, "done")
    file = await jobs.file("me", job.id, "flac", None)
    data = b"".join([data async for data in jobs.read("me", job.id, file.name, 0, file.size)])
    assert (await jobs.get("me", job.id)).retaken == 3
    await jobs.close()
    undisturbed = Jobs(tmp_path / "undisturbed", Reader(odd=odd))
    await undisturbed.start()
    assert (await spoken(undisturbed))[1] == data
    await undisturbed.close()


async def test_levels_are_evened_within_the_book(start: Start, tmp_path: Path) -> None:
    jobs = await start(Reader(odd={(ODD, SEED): {"level": -8.0}}))
    _, data = await spoken(jobs)
    (tmp_path / "book.flac").write_bytes(data)
    wav = np.concatenate([*read(tmp_path / "book.flac")])
    levels = [20 * np.log10(loudness(part)) for part in np.array_split(wav, 18)]
    assert max(levels) - min(levels) < 1


async def test_a_chapter_is_made_anew_after_a_part_of_it_is_spoken_again(start: Start) -> None:
    reader = Reader(odd={("Bert says on day one", SEED): LATER})
    jobs = await start(reader)
    first, rest = "\n\n".join(TEXT.split("\n\n")[:2]), "\n\n".join(TEXT.split("\n\n")[2:])
    job = await jobs.create("me", order(first, rest))
    async with asyncio.timeout(60):
        while (await jobs.get("me", job.id)).parts_done < 2:
            await jobs.events("me", job.id, 2, wait_s=1)
    early = await jobs.file("me", job.id, "flac", 1)
    await reached(jobs, job.id, "done")
    late = await jobs.file("me", job.id, "flac", 1)
    assert early.name != late.name
