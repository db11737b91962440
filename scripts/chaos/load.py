"""Clients that keep sending requests while something breaks."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx

from scripts.chaos.case import Case
from scripts.chaos.outcome import Outcome, judge
from scripts.chaos.reply import exchange

_PAUSE_AFTER_FAILURE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """One request of a client."""

    case: str
    outcome: Outcome
    detail: str
    status: int | None
    begin: float
    """On the clock of `time.monotonic`."""
    end: float

    @property
    def latency(self) -> float:
        """Seconds."""
        return self.end - self.begin


async def send(client: httpx.AsyncClient, case: Case, timeout: float, expected: bytes | None = None) -> Result:  # noqa: ASYNC109
    """Sends one request and judges its reply."""
    begin = time.monotonic()
    reply = await exchange(client, case, timeout)
    verdict = judge(case, reply, expected)
    return Result(case.name, verdict.outcome, verdict.detail, reply.status, begin, time.monotonic())


class Load:
    """A closed loop: each client sends its next request after the last reply.

    Args:
        url: Of the service.
        groups: For each group of clients, their number and the requests that they choose from.
        expected: Content of the right answers by the case's name.
        timeout: Seconds after which a client gives up.
        seed: Of the order of requests.
        pause: Seconds that a client waits after a failure.
    """

    def __init__(
        self,
        url: str,
        groups: Sequence[tuple[int, Sequence[Case]]],
        expected: dict[str, bytes],
        timeout: float,
        seed: int = 0,
        pause: float = _PAUSE_AFTER_FAILURE,
    ) -> None:
        self.results: list[Result] = []
        self.in_flight = 0
        self.url = url
        """Where the next requests go: it may change, as behind a load balancer."""
        self._groups = groups
        self._expected = expected
        self._timeout = timeout
        self._pause = pause
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for count, cases in self._groups:
            self._tasks += [asyncio.create_task(self._client(cases)) for _ in range(count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets requests in flight end."""
        self._stopping.set()
        if error is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=error is not None)

    def successes_since(self, instant: float) -> list[Result]:
        """Right answers to requests that were sent after an instant."""
        return [result for result in self.results if result.begin > instant and result.outcome is Outcome.RIGHT]

    async def _client(self, cases: Sequence[Case]) -> None:
        async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - send has one
            while not self._stopping.is_set():
                case = self._random.choice(cases)
                client.base_url = self.url
                self.in_flight += 1
                try:
                    result = await send(client, case, self._timeout, self._expected.get(case.name))
                finally:
                    self.in_flight -= 1
                self.results.append(result)
                if result.outcome is not Outcome.RIGHT:
                    await asyncio.sleep(self._pause)
