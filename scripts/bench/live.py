"""Measures live text: words come at a steady pace, and are spoken meanwhile.

Prints the seconds from the end of the first clause to its first audio, beside those of such a clause over HTTP, and the
longest silence that a listener hears between two units beyond what the pace of the text causes. With `--together`,
prints how far equal sessions at once are apart.
"""

import argparse
import asyncio
import json
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from scripts.bench.first_audio import first_audio
from scripts.bench.server import running
from scripts.bench.table import table

CLAUSE: Final = "The old man in house {} walked to the river,"
"""A clause that is new each time, so that its prompt is not in the engine's cache."""
TEXT: Final = (
    f"{CLAUSE} and his friend has seven good books. She likes the small red house. We found the key in the garden."
)
RATE: Final = 24_000
_BYTES: Final = 2


@dataclass
class Heard:
    """What a listener of a session hears. Times are those of `time.perf_counter`."""

    units: list[str] = field(default_factory=list)
    arrivals: list[list[tuple[float, float]]] = field(default_factory=list)
    """Of each unit: time of arrival and seconds of each piece of audio."""

    def silences(self, sent: list[float]) -> list[float]:
        """Returns the seconds of silence before and in each unit but the first, beyond what its text causes.

        Args:
            sent: When the end of each unit's text was sent.
        """
        found: list[float] = []
        playing = 0.0  # until when there is audio to play
        for index, pieces in enumerate(self.arrivals):
            for number, (arrived, seconds) in enumerate(pieces):
                if index or number:
                    unavoidable = playing if number else max(playing, sent[index])
                    found.append(max(0.0, arrived - unavoidable))
                playing = max(playing, arrived) + seconds
        return found


@dataclass(frozen=True)
class Conversation:
    """How a session went, in seconds."""

    delay: float
    """From the first clause to its first audio."""
    silence: float
    """Longest silence."""
    rest: float
    """From the end of the text to the end of its audio's arrival."""


async def converse(url: str, pace: float, seed: int) -> Conversation:
    """Sends words, and listens."""
    async with connect(url.replace("http", "ws", 1) + "/v1/audio/speech/stream") as socket:
        await socket.send(json.dumps({"type": "session.config", "voice": "alloy", "seed": seed}))
        listening = asyncio.create_task(_listen(socket))
        text, sent = "", [0.0]  # when each character had been sent
        for number, word in enumerate(TEXT.format(seed).split()):
            await asyncio.sleep(1 / pace if number else 0)
            piece = f" {word}" if number else word
            await socket.send(json.dumps({"type": "input.text", "text": piece}))
            text += piece
            sent += [time.perf_counter()] * len(piece)
        await socket.send(json.dumps({"type": "input.done"}))
        heard = await listening
        rest = time.perf_counter() - sent[-1]
    ends, at = [], 0
    for unit in heard.units:
        at = text.index(unit, at) + len(unit)
        ends.append(sent[at])
    return Conversation(heard.arrivals[0][0][0] - ends[0], max(heard.silences(ends)), rest)


async def _listen(socket: ClientConnection) -> Heard:
    heard = Heard()
    async for message in socket:
        if isinstance(message, bytes):
            heard.arrivals[-1].append((time.perf_counter(), len(message) / _BYTES / RATE))
            continue
        found = json.loads(message)
        if found["type"] == "audio.start":
            heard.units.append(found["sentence_text"])
            heard.arrivals.append([])
        elif found["type"] == "error":
            raise RuntimeError(found["message"])
        elif found["type"] == "session.done":
            break
    return heard


async def measure(url: str, sessions: int, pace: float) -> str:
    """Returns the table of sessions one after the other."""
    http, live = [], []
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        for seed in range(sessions):  # interleaved, so that other load on the machine affects both alike
            http.append(await first_audio(client, CLAUSE.format(sessions + seed), seed))
            live.append(await converse(url, pace, seed))
    base = statistics.median(http)
    delays = [conversation.delay for conversation in live]
    silence = max(conversation.silence for conversation in live)
    rows = [
        ("HTTP", f"{base:.2f}", f"{max(http):.2f}", "1.00", "-"),
        ("live", *_middle_and_most(delays), f"{statistics.median(delays) / base:.2f}", f"{silence:.2f}"),
    ]
    return table(("text", "first audio, median s", "slowest s", "x HTTP", "longest silence s"), rows)


async def measure_together(url: str, sessions: int, pace: float) -> str:
    """Returns the table of equal sessions at once."""
    found = await asyncio.gather(*(converse(url, pace, seed) for seed in range(sessions)))
    rows = [
        (name, f"{min(seconds):.2f}", *_middle_and_most(seconds))
        for name, seconds in {
            "first audio after the first clause": [conversation.delay for conversation in found],
            "longest silence": [conversation.silence for conversation in found],
            "end of the audio after that of the text": [conversation.rest for conversation in found],
        }.items()
    ]
    return table((f"of {sessions} sessions at once", "least s", "median s", "most s"), rows)


def _middle_and_most(seconds: list[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"


async def run(url: str, given: argparse.Namespace) -> str:
    """Returns the table."""
    await converse(url, given.pace, 9999)  # models load with the first
    if given.together:
        return await measure_together(url, given.together, given.pace)
    return await measure(url, given.sessions, given.pace)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.live", description=__doc__)
    parser.add_argument("--url", help="a running service (default: one is started, with the profile nano)")
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--together", type=int, metavar="N", help="measure N sessions at once")
    parser.add_argument("--pace", type=float, default=5.0, help="words a second")
    given = parser.parse_args()
    service = nullcontext(given.url) if given.url else running("cli", "serve", environment={"PROFILE": "nano"})
    with service as url:
        print(asyncio.run(run(url, given)))


if __name__ == "__main__":
    main()
