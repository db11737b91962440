"""Counts the tokens and codes of a request."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from deployments.llasa.protocol import CodeChunk, SpeechLM, TakeRequest


@dataclass(slots=True)
class Usage:
    """Counts of a request, over all of its takes, including retries."""

    prompt_tokens: int = 0
    """Tokens of the prompts."""
    codes: int = 0
    """Codes generated."""


class Metered:
    """A `SpeechLM` that counts usage."""

    def __init__(self, lm: SpeechLM, usage: Usage) -> None:
        self._lm = lm
        self._usage = usage

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        async with aclosing(self._lm.generate(request)) as chunks:
            async for chunk in chunks:
                self._usage.prompt_tokens += chunk.prompt_tokens
                self._usage.codes += len(chunk.codes)
                yield chunk
