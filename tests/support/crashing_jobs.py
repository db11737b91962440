"""A process that speaks jobs until it is killed: `python -m tests.support.crashing_jobs FOLDER`.

It appends each part that it has spoken to FOLDER/spoken, and creates the job if there is none.
"""

import asyncio
import sys
from pathlib import Path

from deployments.jobs.jobs import Jobs
from deployments.jobs.speaker import PartOrder, RecordedPart
from tests.support.long_speech import CountedSpeaker, audio_of, order

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CHAPTERS = [
    "\n\n".join(f"Sentence {tens} and {ones} of {chapter}." for tens in NUMBERS for ones in NUMBERS[:5])
    for chapter in ("Anna", "Bert")
]


class LoggingSpeaker(CountedSpeaker):
    """Takes a millisecond a part, and writes down which."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    async def record(self, order: PartOrder) -> RecordedPart:
        await asyncio.sleep(0.001)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{order.text}\n")
        return RecordedPart(audio_of(order))


async def main(folder: Path) -> None:
    jobs = Jobs(folder, LoggingSpeaker(folder / "spoken"), at_once=3)
    if not await jobs.list("me"):
        await jobs.create("me", order(*CHAPTERS, title="Numbers"))
    await jobs.start()
    [job] = await jobs.list("me")
    print("started", flush=True)
    while (await jobs.get("me", job.id)).state != "done":
        await jobs.events("me", job.id, 10**9, wait_s=0.2)
    print("done", flush=True)
    await jobs.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
