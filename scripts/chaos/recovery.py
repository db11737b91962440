"""How long the service needs to answer again after a fault."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from scripts.chaos.case import Case
from scripts.chaos.load import Load, send
from scripts.chaos.outcome import Outcome
from scripts.chaos.row import Resources
from scripts.chaos.service import Service

RECOVERY_SECONDS: Final = 180
_PROBE_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 3.0


async def recovery(service: Service, load: Load | None, quick: Case, since: float) -> float:
    """Seconds until the end of the first right answer to a request that was sent after an instant.

    Args:
        service: That is asked.
        load: Clients whose requests count, too.
        quick: The request of the probes: one a second, for an earlier one may hang.
        since: The instant, on the clock of `time.monotonic`.

    Raises:
        TimeoutError: there was none.
    """
    client = httpx.AsyncClient(base_url=service.url, timeout=None)  # noqa: S113 - send has one
    probes: list[asyncio.Task[None]] = []
    ends: list[float] = []

    async def probe() -> None:
        result = await send(client, quick, RECOVERY_SECONDS, service.expected.get(quick.name))
        if result.outcome is Outcome.RIGHT:
            ends.append(result.end)

    def done() -> bool:
        if load:
            ends.extend(result.end for result in load.successes_since(since))
        if len(probes) <= (time.monotonic() - since) / _PROBE_SECONDS:
            probes.append(asyncio.create_task(probe()))
        return bool(ends)

    try:
        await until(done, since + RECOVERY_SECONDS, poll=0.02)
        return min(ends) - since
    finally:
        for task in probes:
            task.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await client.aclose()


async def until(true: Callable[[], bool | Awaitable[bool]], end: float, poll: float = 0.2) -> None:
    """Returns when a condition is true.

    Raises:
        TimeoutError: it was not by the end, a time of `time.monotonic`.
    """
    async with asyncio.timeout(max(1.0, end - time.monotonic())):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(poll)


async def settled(service: Service) -> Resources | None:
    """Resources a few seconds after the last request."""
    await asyncio.sleep(_SETTLE_SECONDS)
    return service.resources()
