"""A second try, where the process that did the work has died before its work was seen."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from deployments.errors import ReplicaLost
from deployments.speech.events import Audio, Event

T = TypeVar("T")


async def once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Does it, and again if a replica was lost over it."""
    try:
        return await work()
    except ReplicaLost:
        return await work()


async def anew(stream: Callable[[], AsyncGenerator[Event, None]]) -> AsyncGenerator[Event, None]:
    """The events of a synthesis; begun once more if a replica is lost before the first audio."""
    for attempt in (1, 2):
        heard = False
        try:
            async with aclosing(stream()) as events:
                async for event in events:
                    heard = heard or isinstance(event, Audio)
                    yield event
            return
        except ReplicaLost:
            if heard or attempt == 2:
                raise


async def begun(
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
