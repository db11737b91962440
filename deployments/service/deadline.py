"""How long a request may take that did not come by HTTP."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from deployments.errors import TimedOut

T = TypeVar("T")


def deadline_error(seconds: float) -> TimedOut:
    """What is told then."""
    return TimedOut(f"The request took longer than {seconds:g} s: send less, or try again later.")


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """The body must end within so many seconds.

    Raises:
        TimedOut: it did not.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise deadline_error(seconds) from None


async def with_deadline(items: AsyncGenerator[T, None], seconds: float) -> AsyncGenerator[T, None]:
    """The same items, the last of which must come within so many seconds. Closes them.

    Raises:
        TimedOut: it did not.
    """
    end = asyncio.get_running_loop().time() + seconds
    async with aclosing(items):
        while True:
            # Each for itself: a generator may be asked by one task and closed by another.
            try:
                async with asyncio.timeout_at(end) as limit:
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not limit.expired():
                    raise
                raise deadline_error(seconds) from None
            yield item
