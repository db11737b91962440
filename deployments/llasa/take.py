"""A take inside the engine."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deployments.errors import Unavailable
from deployments.llasa.protocol import CodeChunk, FinishReason, Sampling
from deployments.xcodec2.stream import FIRST, HOLDBACK

_LONGEST_CHUNK: Final = 4 * FIRST
"""Codes of the later chunks of a take, which grow as the codec's windows do. Each window ends with the last code of a
chunk, so nothing waits that could be decoded; a second of speech costs one message between replicas, and a guard that
listens to codes stops a take within it."""


@dataclass(eq=False, slots=True)
class RunningTake:
    """A take that the engine's thread advances and an event loop reads."""

    prompt: NDArray[np.int64]
    """Engine ids."""
    limit: int
    """Codes after which it ends."""
    min_codes: int
    sampling: Sampling
    unknown_characters: bool
    """Whether its text has characters without a token."""
    loop: asyncio.AbstractEventLoop
    background: bool = False
    """Whether nobody waits for it."""
    chunks: asyncio.Queue[CodeChunk | Unavailable] = field(default_factory=asyncio.Queue)
    cancelled: bool = False
    """Set by the event loop, when nobody reads it any more."""
    opening: bytes = b""
    """The first chunk of its prompt: prompts with another one have nothing to share."""
    compared: bool = False
    """Whether the cache was searched for its prompt."""
    read: int = 0
    """Tokens of the prompt that are in its slot."""
    steps: int = 0
    """Steps begun for it."""
    codes: list[int] = field(default_factory=list)
    sent: int = 0
    due: int = FIRST + HOLDBACK
    """Codes with which the next chunk is complete."""
    _step: int = FIRST

    @property
    def unread_tokens(self) -> int:
        """Prompt tokens to compute before its first step, which computes the last one."""
        return len(self.prompt) - 1 - self.read

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for its first codes."""
        return not (self.background or self.sent)

    @property
    def is_read(self) -> bool:
        """Whether its prompt is in its slot."""
        return self.compared and not self.unread_tokens

    @property
    def length(self) -> int:
        """Tokens in its slot with the next step's."""
        return len(self.prompt) + self.steps

    def push(self, code: int, end: int) -> FinishReason | None:
        """Adds a step's token; returns the reason if it is the last."""
        if code == end:
            return "stop"
        self.codes.append(code)
        return "length" if len(self.codes) == self.limit else None

    def send(self, finish: FinishReason | None) -> None:
        """Sends what is due: a whole chunk, or the rest."""
        if finish or len(self.codes) == self.due:
            self._step = min(2 * self._step, _LONGEST_CHUNK)
            self.due += self._step
            first = not self.sent
            codes = np.array(self.codes[self.sent :], np.int32)
            self.sent = len(self.codes)
            self._deliver(CodeChunk(codes, finish, len(self.prompt) if first else 0, first and self.unknown_characters))

    def restart(self) -> None:
        """Begins it again in another slot. Its seed makes the same codes; those that were sent are not sent again."""
        self.read = self.steps = 0
        self.compared = False
        self.codes.clear()

    def fail(self, message: str) -> None:
        """Ends it with an error."""
        self._deliver(Unavailable(message))

    def _deliver(self, item: CodeChunk | Unavailable) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody reads
            self.loop.call_soon_threadsafe(self.chunks.put_nowait, item)
