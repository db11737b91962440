"""Jobs whose process is killed again and again."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deployments.jobs.jobs import Jobs
from tests.support.crashing_jobs import CHAPTERS
from tests.support.long_speech import CountedSpeaker

PARTS = 100


def begin(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.crashing_jobs", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for written in process.stdout:
        if written.strip() == line:
            return
    raise AssertionError(f"ended before {line!r}")


async def book(folder: Path) -> bytes:
    jobs = Jobs(folder, CountedSpeaker())
    [job] = await jobs.list("me")
    file = await jobs.file("me", job.id, "m4b", None)
    data = b"".join([data async for data in jobs.read("me", job.id, file.name, 0, file.size)])
    await jobs.close()
    return data


def spoken(folder: Path) -> list[str]:
    path = folder / "spoken"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.mark.parametrize(("seed", "kills"), [(1, 3), pytest.param(2, 10, marks=pytest.mark.slow)])
async def test_a_killed_job_goes_on_makes_no_part_twice_and_ends_with_the_same_bytes(
    tmp_path: Path, seed: int, kills: int
) -> None:
    rng = np.random.default_rng(seed)
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    stored: list[int] = []
    for kill in range(kills):
        with begin(killed) as process:
            try:
                wait_for(process, "started")
                # Killed at some moment of a part: once so many are spoken, and a random time later.
                goal = len(spoken(killed)) + rng.integers(1, PARTS // (2 * kills))
                end = time.monotonic() + 60
                while len(spoken(killed)) < goal and time.monotonic() < end:
                    pass
                await asyncio.sleep(rng.uniform(0, 0.01))
            finally:
                process.kill()
        stored.append(len([*(killed / "parts").glob("*/*.flac")]))
        # Only what was not yet stored when the process died may be spoken again: at most one part for each place.
        assert len(spoken(killed)) - stored[-1] <= 3 * (kill + 1)
    assert stored[-1] < PARTS
    for folder in (killed, undisturbed):
        with begin(folder) as process:
            wait_for(process, "done")
    made = Counter(spoken(killed))
    assert len(made) == PARTS == sum(len(text.split("\n\n")) for text in CHAPTERS)
    assert len(spoken(undisturbed)) == PARTS
    assert made.total() - PARTS <= 3 * kills
    assert await book(killed) == await book(undisturbed)
    assert not [*(killed / "parts").glob("*/*.part")]
