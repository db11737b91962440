"""Batches speak again what a job would, and keep the same takes."""

import asyncio
from pathlib import Path

from cli.batch.review import Review
from deployments.jobs.jobs import Jobs
from deployments.jobs.journal import Journal
from deployments.jobs.plan import split
from deployments.jobs.speaker import PartOrder
from deployments.jobs.store import PartStore
from tests.jobs.conftest import reached
from tests.support.long_speech import NAMES, order
from tests.support.readers import Reader

SEED = 7
TEXT = "\n\n".join(f"This is what {name} says on day {day}, and it takes a while." for day in "abc" for name in NAMES)
ODD = {
    ("Bert says on day a", SEED): {"pitch": 4.0},
    **{("Carl says on day c", SEED + n): {"pitch": pitch} for n, pitch in enumerate((3.0, 6.0, -6.0))},
    ("Dora says on day c", SEED): {"level": -8.0},
}


async def speak(reader: Reader, store: PartStore, orders: dict[str, PartOrder]) -> None:
    for key, each in orders.items():
        store.write(key, (await reader.record(each)).flac)


async def test_batches_speak_again_what_a_job_would_and_keep_the_same_takes(tmp_path: Path) -> None:
    asked, reader, store = order(TEXT), Reader(odd=ODD), PartStore(tmp_path / "parts")
    parts = [*split("me", asked)]
    orders = {part.key: PartOrder(part.text, asked.reference, asked.params, part.seed, part.speed) for part in parts}
    await speak(reader, store, orders)
    review = Review(parts, orders, store)
    while again := dict(review.retakes()):
        await speak(reader, store, again)
    assert len(reader.read) == len(parts) + 3
    found = await asyncio.to_thread(lambda: [*review.recorded()])
    jobs = Jobs(tmp_path / "jobs", Reader(odd=ODD))
    await jobs.start()
    job = await jobs.create("me", asked)
    await reached(jobs, job.id, "done")
    await jobs.close()
    journal = Journal(tmp_path / "jobs" / "journal.sqlite")
    assert (found, True) == journal.recorded(job.id)
    assert max(part.gain for part in found) > 5
    journal.close()
