"""Reads each prompt once, however many takes request it at the same time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager


class Prefills:
    """The prompts that are being read. Cached pages are shared, but only once they are complete."""

    def __init__(self) -> None:
        self._running: dict[tuple[int, ...], asyncio.Future[bool]] = {}

    @asynccontextmanager
    async def of(self, prompt: Sequence[int]) -> AsyncGenerator[Callable[[], None], None]:
        """Enters at once for the first take of a prompt, and for the others when it has been read.

        Yields a callback for the take's first code, which admits the others. If the first take leaves before, the next
        one becomes the first.
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
