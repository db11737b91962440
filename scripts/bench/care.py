"""What care costs: seconds of a request by how its takes are verified: `python -m scripts.bench.care`.

Of a running service, in voices that it has; the row of one take that nobody listens to is the baseline.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from scripts.bench.table import table

TEXTS: Final = (
    "The old man walked to the river, and his friend has seven good books. My sister writes a letter every evening.",
    "We walked through the garden after the rain, and we saw a small dog. The old man walked to the river.",
    "The children play in the park until the sun goes down. We walked through the garden after the rain.",
)
"""Plain ones: takes that are heard wrong are made again, and each costs as much as one."""
VOICES: Final = ("alloy", "nova")
CARE: Final[dict[str, dict[str, Any]]] = {
    "one take": {},
    "verified": {"verify": True},
    "best of 2": {"best_of": 2},
    "best of 4": {"best_of": 4},
}


@dataclass
class Row:
    """What came of one kind of care."""

    seconds: list[float] = field(default_factory=list)
    takes: int = 0
    errors: list[float] = field(default_factory=list)
    """Words heard wrong over words, of each answer; none where nobody listened."""


async def speak(client: httpx.AsyncClient, row: Row, **fields: Any) -> None:
    """Adds one request to a row."""
    begin = time.perf_counter()
    answer = await client.post("/v1/audio/speech", json={"model": "tts-1", "stream": False, **fields})
    row.seconds.append(time.perf_counter() - begin)
    answer.raise_for_status()
    row.takes += int(answer.headers["x-takes"])
    if "x-word-error" in answer.headers:
        row.errors.append(float(answer.headers["x-word-error"]))


async def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.care", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7861")
    parser.add_argument("--rounds", type=int, default=2, help="of every text in every voice")
    given = parser.parse_args()
    rows = {name: Row() for name in CARE}
    async with httpx.AsyncClient(base_url=given.url, timeout=300) as client:
        await speak(client, Row(), input=TEXTS[0], voice=VOICES[0], best_of=2)  # models load with the first
        for seed in range(given.rounds):
            for text in TEXTS:
                for voice in VOICES:
                    for name, care in CARE.items():  # in turns, so that what else the machine does meets all alike
                        await speak(client, rows[name], input=text, voice=voice, seed=seed, **care)
    baseline = statistics.median(rows["one take"].seconds)
    print(table(["care", "requests", "takes", "median s", "x one take", "heard wrong"], [
        [
            name,
            str(len(row.seconds)),
            str(row.takes),
            f"{statistics.median(row.seconds):.2f}",
            f"{statistics.median(row.seconds) / baseline:.2f}",
            f"{statistics.mean(row.errors):.3f}" if row.errors else "-",
        ]
        for name, row in rows.items()
    ]))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
