"""Drives a server over HTTP in a closed loop: each client sends its next request when the last one is answered."""

import asyncio
import io
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx

from scripts.bench.clip import clip
from scripts.bench.measurement import percentile
from scripts.bench.neighbours import neighbours

_REF_TEXT: Final = "What the clip says, in about as many letters as five seconds of speech have."


@dataclass(frozen=True, slots=True)
class Answer:
    """One request, as measured by its client."""

    latency: float
    """Seconds."""
    audio: float
    """Seconds of audio in the returned file."""
    stages: dict[str, float]
    """Seconds of each stage, as reported by the server; empty if it reports none."""
    at: float
    """Time of the response, in seconds of the clock."""


@dataclass(frozen=True, slots=True)
class Load:
    """Results of a server with a number of clients."""

    clients: int
    wall: float
    """Seconds in which all clients were busy and none was in its first request."""
    answers: list[Answer]
    """Responses in that time."""
    others: float
    """Cores kept busy by other processes: above a few tenths, measure again."""

    @property
    def request_rate(self) -> float:
        """Requests a second."""
        return len(self.answers) / self.wall

    @property
    def audio_rate(self) -> float:
        """Returns the seconds of audio per second."""
        return sum(answer.audio for answer in self.answers) / self.wall

    def latency(self, rank: float) -> float:
        """Returns a percentile of the seconds that a client waited."""
        return percentile([answer.latency for answer in self.answers], rank)

    def stage(self, name: str) -> float:
        """Returns the median seconds of a stage; 0 if the server does not report it."""
        return percentile([answer.stages.get(name, 0.0) for answer in self.answers], 50)


class Speaker:
    """Generates requests: all texts differ, and four clips alternate.

    Texts are half to one and a half times `letters` long, the same ones for every server: takes of equal length would
    all end at once, which no real batch does.
    """

    def __init__(self, letters: int, seconds: float) -> None:
        self._letters = letters
        self._clips = [clip(pitch, seconds) for pitch in (110, 140, 180, 220)]
        self._made = 0

    def requests(self, count: int) -> Iterator[tuple[bytes, dict[str, str]]]:
        """Yields the next `count` clips and fields."""
        for _ in range(count):
            self._made += 1
            number = f"{self._made * 7919 % 10_000:04d} "  # first, so that no two texts have the same beginning
            length = round(self._letters * (0.5 + self._made * 0.618 % 1))
            text = (number + "words that nobody has said before " * 20)[: length - 1] + "."
            # Numbers that are written out would make the text longer, for this service only.
            fields = {
                "target_text": text,
                "ref_text": _REF_TEXT,
                "random_seed": str(self._made),
                "normalise": "false",
            }
            yield self._clips[self._made % len(self._clips)], fields


async def drive(url: str, speaker: Speaker, clients: int, each: int) -> Load:
    """Drives a server until each client has sent `each` requests on average.

    Only the time in between counts: while the first requests run and when the work runs out, fewer requests run than
    there are clients.

    Raises:
        httpx.HTTPStatusError: a request failed.
    """
    work = speaker.requests(clients * each)
    answers: list[Answer] = []
    ends: list[float] = []

    async def client(http: httpx.AsyncClient) -> None:
        for audio, fields in work:
            begin = time.perf_counter()
            response = await http.post(f"{url}/api/tts", data=fields, files={"audio": ("clip.wav", audio)})
            latency = time.perf_counter() - begin
            response.raise_for_status()
            answers.append(Answer(latency, _seconds(response.content), _stages(response), begin + latency))
        ends.append(time.perf_counter())

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(timeout=600, limits=limits) as http:
        with neighbours() as watched:
            await asyncio.gather(*(client(http) for _ in range(clients)))
    begin, end = answers[clients - 1].at, min(ends)
    return Load(clients, end - begin, [answer for answer in answers if begin < answer.at <= end], watched.others)


def _seconds(file: bytes) -> float:
    with wave.open(io.BytesIO(file)) as reader:
        return float(reader.getnframes() / reader.getframerate())


def _stages(response: httpx.Response) -> dict[str, float]:
    parts = [part.strip().split(";dur=") for part in response.headers.get("Server-Timing", "").split(",")]
    return {part[0]: float(part[1]) / 1000 for part in parts if len(part) == 2}
