"""A model that says what a test wants it to."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from deployments.llasa.protocol import CodeChunk, Codes, EngineStats, FinishReason, TakeRequest

Script = Callable[[TakeRequest], Codes]


class ScriptedLM:
    """`SpeechLM` whose takes are written by a function, and kept count of.

    A take has the limits of a real one: it runs to its cap and is told so, and END before the minimum does not exist.

    Args:
        script: Codes of a take.
        every: Codes in a chunk.
    """

    def __init__(self, script: Script, every: int = 25) -> None:
        self.requests: list[TakeRequest] = []
        self.running = 0
        self.most_running = 0
        self.codes = 0
        self._script = script
        self._every = every

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            codes = self._script(request)
            finish: FinishReason = "stop" if request.max_codes is None or len(codes) < request.max_codes else "length"
            codes = codes[: request.max_codes]
            for start in range(0, len(codes), self._every):
                await asyncio.sleep(0)
                part = codes[start : start + self._every]
                self.codes += len(part)
                yield CodeChunk(part)
            yield CodeChunk(codes[:0], finish)
        finally:
            self.running -= 1

    async def stats(self) -> EngineStats:
        return EngineStats(self.running, 0, self.most_running, 0, self.codes, 0, 0)
