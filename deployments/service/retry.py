"""Repeats work whose process died, as long as nobody has seen any of its result."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

from deployments.errors import ReplicaLost

T = TypeVar("T")

ATTEMPTS: Final = 4
"""How often a piece of work is attempted in all. Replicas that die for reasons of their own (a node goes, memory runs
out, a rolling restart) seldom hit one request more than twice; 4 leaves room. The bound is there for a request that
itself kills the replica: it must not kill every new one, and be waited for, until its deadline."""


async def with_retries(work: Callable[[], Awaitable[T]]) -> T:
    """Awaits the work, again if a replica dies during it; `ATTEMPTS` times at most."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await work()
        except ReplicaLost:
            pass
    return await work()


async def stream_with_retries(
    stream: Callable[[], AsyncGenerator[T, None]], seen: Callable[[T], bool]
) -> AsyncGenerator[T, None]:
    """Yields the items of a stream, which is started again if a replica dies before the first item that counts.

    Args:
        stream: Starts it; called `ATTEMPTS` times at most.
        seen: Whether an item is part of the result. Once one has been yielded, a loss is raised.
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
    stream: Callable[[], AsyncGenerator[T, None]], seen: Callable[[T], bool]
) -> tuple[T, AsyncGenerator[T, None]]:
    """A stream that has come to the first of its items that somebody will see, and that item.

    So what fails before is told by a status.
    """
    items = stream()
    try:
        async for item in items:
            if seen(item):
                return item, items
    except BaseException:
        await items.aclose()
        raise
    raise AssertionError("a stream ended before it had begun")
