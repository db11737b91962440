"""Prompts read once, however many takes ask for the same one at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager


class Prefills:
    """The prompts that are being read. What is in the cache is shared, but only once it is there."""

    def __init__(self) -> None:
        self._running: dict[tuple[int, ...], asyncio.Future[bool]] = {}

    @asynccontextmanager
    async def of(self, prompt: Sequence[int]) -> AsyncGenerator[Callable[[], None], None]:
        """Enters at once the first take of a prompt, and the others when it has been read.

        Gives what the take is to call when its first code is there: then the others come. If it leaves before, the
        next one is the first.
        """
        key = tuple(prompt)
        while running := self._running.get(key):
            await asyncio.wait([running])
            if running.result():
                yield lambda: None
                return
        own = self._running[key] = asyncio.get_running_loop().create_future()

        def end(*, read: bool = True) -> None:
            if not own.done():
                del self._running[key]
                own.set_result(read)

        try:
            yield end
        finally:
            end(read=False)
