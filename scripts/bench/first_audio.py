"""Measures the seconds to the first audio, by the length of the text: `python -m scripts.bench.first_audio`.

Calls a running service, with a voice that it has; the row of the shortest text is the baseline.
"""

import argparse
import asyncio
import statistics
import time
from typing import Final

import httpx

SENTENCE: Final = "The old man walked to the river, and his friend has seven good books. "
LENGTHS: Final = (100, 500, 2000)


async def first_audio(client: httpx.AsyncClient, text: str, seed: int) -> float:
    """Returns the seconds until the first bytes of audio; ignores the rest."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "seed": seed, "response_format": "pcm"}
    begin = time.perf_counter()
    async with client.stream("POST", "/v1/audio/speech", json=body) as answer:
        answer.raise_for_status()
        async for data in answer.aiter_bytes():
            if data:
                return time.perf_counter() - begin
    raise RuntimeError("no audio came")


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.first_audio", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7861")
    parser.add_argument("--requests", type=int, default=10)
    given = parser.parse_args()
    async with httpx.AsyncClient(base_url=given.url, timeout=120) as client:
        await first_audio(client, SENTENCE, 0)  # models load with the first
        found: dict[int, list[float]] = {length: [] for length in LENGTHS}
        for seed in range(given.requests):
            for length in LENGTHS:  # interleaved, so that other load on the machine affects all rows alike
                found[length].append(await first_audio(client, (SENTENCE * 40)[:length], seed))
    baseline = statistics.median(found[LENGTHS[0]])
    print("| characters | first audio, median s | slowest | against 100 |\n|---|---|---|---|")
    for length, seconds in found.items():
        median = statistics.median(seconds)
        print(f"| {length} | {median:.2f} | {max(seconds):.2f} | {median / baseline:.2f} |")


if __name__ == "__main__":
    asyncio.run(main())
