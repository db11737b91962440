"""Measures the seconds to the first audio beside a book that is being spoken: `python -m scripts.bench.book`.

Calls a running service. The book is paused and resumed by turns, so that other load on the machine affects both alike.
"""

import argparse
import asyncio
import statistics
from typing import Any, Final

import httpx

from scripts.bench.first_audio import SENTENCE, first_audio

_LENGTH: Final = 100
"""Characters of a request."""
_POLL_S: Final = 0.2


async def changed(client: httpx.AsyncClient, id: str, action: str) -> None:
    """Pauses or resumes a job; returns once a part is being spoken, or none."""
    job: dict[str, Any] = (await client.post(f"/api/jobs/{id}/{action}")).raise_for_status().json()
    while action == "resume" and job["state"] == "queued":
        await asyncio.sleep(_POLL_S)
        job = (await client.get(f"/api/jobs/{id}")).raise_for_status().json()


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.book", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7861")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4, help="in each state of each round")
    given = parser.parse_args()
    async with httpx.AsyncClient(base_url=given.url, timeout=300) as client:
        await first_audio(client, SENTENCE, 0)  # models load with the first
        text = "\n\n".join(f"This is number {n}. {SENTENCE}" for n in range(300))
        body = {"input": text, "voice": "alloy", "response_format": "wav"}
        id = (await client.post("/v1/audio/speech/long", json=body)).raise_for_status().json()["id"]
        found: dict[str, list[float]] = {"pause": [], "resume": []}
        try:
            for round in range(given.rounds):
                for action, seconds in found.items():
                    await changed(client, id, action)
                    for n in range(given.requests):
                        text = (SENTENCE * 2)[:_LENGTH]
                        seconds.append(await first_audio(client, text, round * given.requests + n))
            parts = (await client.get(f"/api/jobs/{id}")).json()["parts_done"]
        finally:
            await client.delete(f"/api/jobs/{id}")
    idle, beside = (statistics.median(found[action]) for action in ("pause", "resume"))
    print("| book | first audio, median s | slowest | against idle |\n|---|---|---|---|")
    for name, seconds in (("paused", found["pause"]), ("being spoken", found["resume"])):
        median = statistics.median(seconds)
        print(f"| {name} | {median:.2f} | {max(seconds):.2f} | {median / idle:.2f} |")
    print(f"\n{beside / idle:.2f} x at the median; {parts} parts of the book were spoken meanwhile.")


if __name__ == "__main__":
    asyncio.run(main())
