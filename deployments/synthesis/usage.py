"""What a request costs the model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from deployments.llasa.protocol import CodeChunk, EngineStats, SpeechLM, TakeRequest


@dataclass(slots=True)
class Usage:
    """Counted while a request runs, over all of its takes: also those that were made again."""

    prompt_tokens: int = 0
    """That the model was given."""
    codes: int = 0
    """That it made."""


class Metered:
    """A `SpeechLM` whose usage is counted."""

    def __init__(self, lm: SpeechLM, usage: Usage) -> None:
        self._lm = lm
        self._usage = usage

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        async with aclosing(self._lm.generate(request)) as chunks:
            async for chunk in chunks:
                self._usage.prompt_tokens += chunk.prompt_tokens
                self._usage.codes += len(chunk.codes)
                yield chunk

    async def stats(self) -> EngineStats:
        return await self._lm.stats()
