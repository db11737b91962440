"""Retries work whose process died, as long as no result has been sent."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

from deployments.errors import ReplicaLost

T = TypeVar("T")

ATTEMPTS: Final = 4
"""Maximum attempts at a piece of work. Replicas that die for reasons of their own (a lost node, low memory, a rolling
restart) seldom hit one request more than twice; 4 is ample. The limit is for a request that kills the replica itself:
it must not kill every new one, and wait for it, until its deadline."""


async def with_retries(work: Callable[[], Awaitable[T]]) -> T:
    """Awaits the work, and retries it if a replica dies; at most `ATTEMPTS` times."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await work()
        except ReplicaLost:
            pass
    return await work()


async def stream_with_retries(
    stream: Callable[[], AsyncGenerator[T, None]], seen: Callable[[T], bool]
) -> AsyncGenerator[T, None]:
    """Yields the items of a stream, and restarts it if a replica dies before the first item that counts.

    Args:
        stream: Starts the stream; called at most `ATTEMPTS` times.
        seen: Whether an item is part of the result. Once one has been yielded, a lost replica is an error.
    """
    for attempt in range(1, ATTEMPTS + 1):
        started = False
        try:
            async with aclosing(stream()) as items:
                async for item in items:
                    started = started or seen(item)
                    yield item
            return
        except ReplicaLost:
            if started or attempt == ATTEMPTS:
                raise


async def await_first_item(
    items: AsyncGenerator[T, None], seen: Callable[[T], bool] = lambda item: True
) -> tuple[T, AsyncGenerator[T, None]]:
    """Advances a stream to the first item that the client will see; returns that item and the stream.

    Errors before it can thus be reported by a status code.
    """
    try:
        async for item in items:
            if seen(item):
                return item, items
    except BaseException:
        await items.aclose()
        raise
    raise AssertionError("a stream ended before it had begun")
