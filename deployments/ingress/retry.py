"""A second try, where the process that did the work has died before its work was seen."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from deployments.errors import ReplicaLost

T = TypeVar("T")


async def once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Does it, and again if a replica was lost over it."""
    try:
        return await work()
    except ReplicaLost:
        return await work()


async def begun(
    stream: Callable[[], AsyncGenerator[T, None]], seen: Callable[[T], bool]
) -> tuple[T, AsyncGenerator[T, None]]:
    """A stream that has come to the first of its items that somebody will see, and that item.

    So what fails before is told by a status, and what is lost with a replica before is done once more.
    """

    async def first() -> tuple[T, AsyncGenerator[T, None]]:
        items = stream()
        try:
            async for item in items:
                if seen(item):
                    return item, items
        except BaseException:
            await items.aclose()
            raise
        raise AssertionError("a stream ended before it had begun")

    return await once_more(first)
