"""Deadlines of requests that did not come over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from deployments.errors import TimedOut

T = TypeVar("T")


def deadline_error(seconds: float) -> TimedOut:
    """Returns the error of an expired deadline."""
    return TimedOut(f"The request took longer than {seconds:g} s: send less, or try again later.")


async def with_deadline(items: AsyncGenerator[T, None], seconds: float) -> AsyncGenerator[T, None]:
    """Yields the same items, the last of which must come before the deadline. Closes them.

    Raises:
        TimedOut: the items took too long.
    """
    end = asyncio.get_running_loop().time() + seconds
    async with aclosing(items):
        while True:
            # One timeout per step: a generator may be advanced by one task and closed by another.
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
