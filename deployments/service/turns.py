"""Limits running and waiting requests, and schedules their turns fairly."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Self, TypeVar

from deployments.errors import Overloaded, ServiceError, TimedOut, Unavailable
from deployments.profiles import Profile
from deployments.service.deadline import with_deadline
from deployments.service.metrics import Metrics
from deployments.settings import Settings

T = TypeVar("T")

_RETRY_S: Final = 5
_EARLY_S: Final = 0.05
"""Timers of event loops may fire so much too early."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a request, during which it may use the models."""

    began: float
    """Arrival of the request, by `time.monotonic`; before its wait."""
    seconds: float
    """Maximum duration, including the wait."""

    @classmethod
    def begin(cls, seconds: float) -> Self:
        """Returns a turn of a request that arrives now."""
        return cls(time.monotonic(), seconds)

    def reason_of(self, error: BaseException) -> str:
        """Returns a failure's reason as a word, for metrics: an error's code, or else the name of its type.

        `cancelled`: the client disconnected, or the process is stopped. `timeout`: the deadline expired.
        """
        if isinstance(error, ServiceError):
            return error.code
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            expired = time.monotonic() > self.began + self.seconds - _EARLY_S
            return TimedOut.code if expired else "cancelled"
        return type(error).__name__


@dataclass(slots=True)
class _Client:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    def advance(self) -> None:
        """Gives the turn to the request that has waited longest."""
        turn = self.waiting.popleft()
        if not turn.done():
            turn.set_result(None)
            self.running += 1


def most_background(running: int) -> int:
    """Returns how many of so many running requests may be background work."""
    return max(1, running // 4)


class Admission:
    """Schedules turns.

    The next turn goes to the waiting client with the fewest running requests. If the queue is full, a client makes room
    for one with fewer waiting requests, so one busy client cannot starve the others.

    Background work, such as jobs, gets a turn only if no client waits, a place stays free, and it then holds at most a
    quarter of the places: a client waits at most for the end of one part, and only if clients fill all other places.

    Args:
        running: Maximum running requests.
        waiting: Maximum waiting requests.
        metrics: Receives both numbers.
    """

    def __init__(self, running: int, waiting: int, metrics: Metrics) -> None:
        self._most_running = running
        self._most_waiting = waiting
        self._metrics = metrics
        self._clients: dict[str, _Client] = {}
        self._background = _Client()
        self._most_background = most_background(running)
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    def of(cls, settings: Settings, profile: Profile, metrics: Metrics, replicas: int = 1) -> Self:
        """Returns one ingress replica's share, rounded up, of the settings' limits, or of the batch of one Llasa."""
        running = settings.max_running_requests or profile.takes
        return cls(math.ceil(running / replicas), math.ceil(settings.max_queued_requests / replicas), metrics)

    @property
    def running(self) -> int:
        """Number of running requests."""
        return self._background.running + sum(client.running for client in self._clients.values())

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return sum(len(client.waiting) for client in self._clients.values())

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Waits for a turn of the named client, and holds it while the body runs.

        Raises:
            Overloaded: on entering or while waiting: too many requests wait.
            Unavailable: the service is being stopped.
        """
        self._check_open()
        client = self._clients.setdefault(name, _Client())
        try:
            if self.running < self._most_running and not self.waiting:
                client.running += 1
            else:
                await self._wait(client)
            self._report()
            try:
                yield
            finally:
                client.running -= 1
        finally:
            self._grant()
            if self._clients.get(name) is client and not client.running and not client.waiting:
                del self._clients[name]
            self._report()

    @asynccontextmanager
    async def background_turn(self) -> AsyncIterator[None]:
        """Waits until there is nothing more urgent to do, and holds a turn while the body runs.

        Raises:
            Unavailable: on entering or while waiting: the service is being stopped.
        """
        self._check_open()
        client = self._background
        try:
            if client.waiting or not self._has_spare():
                await self._queued(client)
            else:
                client.running += 1
            self._report()
            try:
                yield
            finally:
                client.running -= 1
        finally:
            self._grant()
            self._report()

    async def drain(self) -> None:
        """Refuses new requests from now on, and background work that waits; returns once no request is left."""
        self._draining = True
        while self._background.waiting:
            turn = self._background.waiting.popleft()
            if not turn.done():
                turn.set_exception(_stopping())
        await self._idle.wait()

    def _check_open(self) -> None:
        if self._draining:
            raise _stopping()

    def _has_spare(self) -> bool:
        # With a single place none can stay free: background work then runs if nothing else does.
        most = max(1, self._most_running - 1)
        return not self.waiting and self.running < most and self._background.running < self._most_background

    async def _wait(self, client: _Client) -> None:
        if self.waiting >= self._most_waiting:
            self._make_room(client)
        await self._queued(client)

    async def _queued(self, client: _Client) -> None:
        turn = asyncio.get_running_loop().create_future()
        client.waiting.append(turn)
        self._report()
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and not turn.exception():
                client.running -= 1  # the turn was granted just as the request was cancelled
            with suppress(ValueError):
                client.waiting.remove(turn)
            raise

    def _make_room(self, client: _Client) -> None:
        crowd = max(self._clients.values(), key=lambda other: len(other.waiting))
        if len(crowd.waiting) <= len(client.waiting) + 1:
            raise _overloaded()
        turn = crowd.waiting.pop()
        if not turn.done():
            turn.set_exception(_overloaded())

    def _grant(self) -> None:
        while self.running < self._most_running and self.waiting:
            name = min(
                (name for name, client in self._clients.items() if client.waiting),
                key=lambda name: self._clients[name].running,
            )
            client = self._clients.pop(name)
            self._clients[name] = client  # moves it to the end: clients with as few running requests go first
            client.advance()
        while self._background.waiting and self._has_spare():
            self._background.advance()

    def _report(self) -> None:
        self._metrics.gauge("num_requests_running", self.running)
        self._metrics.gauge("num_requests_waiting", self.waiting)
        if self.running or self.waiting:
            self._idle.clear()
        else:
            self._idle.set()


def _overloaded() -> Overloaded:
    return Overloaded("Too many requests are waiting: try again later.", retry_after_s=_RETRY_S)


def _stopping() -> Unavailable:
    return Unavailable("The service is being stopped: try again.", retry_after_s=_RETRY_S)


async def in_turn(
    admission: Admission, caller: Turn | str, seconds: float, work: Callable[[Turn], AsyncGenerator[T, None]]
) -> AsyncGenerator[T, None]:
    """Yields the items of some work while the caller has its turn.

    Args:
        admission: Gives turns.
        caller: A turn that somebody else ends, or the name of a client, whose turn begins and ends here.
        seconds: Maximum duration of a turn that begins here, including the wait.
        work: What to do; called with the turn.

    Raises:
        Overloaded: too many requests wait.
        TimedOut: a turn that begins here took too long.
    """

    async def queued(client: str) -> AsyncGenerator[T, None]:
        turn = Turn.begin(seconds)
        async with admission.turn(client), aclosing(work(turn)) as items:
            async for item in items:
                yield item

    items = work(caller) if isinstance(caller, Turn) else with_deadline(queued(caller), seconds)
    async with aclosing(items):
        async for item in items:
            yield item
