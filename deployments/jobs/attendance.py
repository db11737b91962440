"""Work that ends when nobody waits for it any longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from deployments.errors import ReplicaLost

T = TypeVar("T")


async def attended(work: Coroutine[Any, Any, T], end: Coroutine[Any, Any, None]) -> T:
    """Returns the result of work for a caller in another process.

    Ray does not cancel the calls of an actor that dies: their work would go on, though nobody can get its result.

    Args:
        work: The work; it is cancelled at the end of the caller.
        end: Returns when the caller has died; it is cancelled when the work is done.

    Raises:
        ReplicaLost: the caller has died.
    """
    working, ending = asyncio.create_task(work), asyncio.create_task(end)
    try:
        await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ReplicaLost("The jobs have been restarted meanwhile.")
        return working.result()
    finally:
        for task in (working, ending):
            task.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)
