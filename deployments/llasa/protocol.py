"""What the Llasa room offers the others: takes of speech codes, as they are made."""

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.errors import InvalidInput

FinishReason = Literal["stop", "length", "loop", "cancelled", "error"]
Codes = NDArray[np.int32]

INSTRUCTION = "Convert the text to speech"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next code is chosen. Two takes with equal sampling and prompt are equal, whatever runs beside them."""

    temperature: float = 0.8
    """0 chooses the likeliest code."""
    top_k: int = 50
    """0 considers every code."""
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    """Divides positive logits (multiplies negative ones) of the codes generated last; the prompt does not count."""
    repetition_window: int = 64
    """How many of the last codes the penalty sees."""
    seed: int = 0

    def __post_init__(self) -> None:
        # What is no number would end the engine, and with it the takes of all others.
        for name in ("temperature", "top_k", "top_p", "repetition_penalty", "repetition_window", "seed"):
            value: object = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise InvalidInput(f"{name} is not a number.", name)


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """One attempt at speaking `text` in the voice of the reference."""

    text: str
    ref_text: str = ""
    ref_codes: Codes = field(default_factory=lambda: np.empty(0, np.int32))
    """[n] codes of the reference clip; empty lets the model choose a voice."""
    instruction: str = INSTRUCTION
    sampling: Sampling = Sampling()
    min_codes: int = 1
    """END is forbidden before so many codes."""
    max_codes: int | None = None
    """None: what the context window leaves."""


@dataclass(frozen=True, slots=True)
class CodeChunk:
    """Codes in the order they were made; the last chunk of a take, and only it, has a finish reason."""

    codes: Codes
    finish: FinishReason | None = None
    prompt_tokens: int = 0
    """Tokens that the take was given; told with its first codes, as is what follows."""
    unread: bool = False
    """Whether the text has characters that the model has no token for."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What the engine is doing and has done since it started."""

    running: int
    waiting: int
    largest_batch: int
    """Most takes that one step has advanced."""
    steps: int
    codes: int
    prompt_tokens: int
    """Of the takes that have begun to speak."""
    prefilled_tokens: int
    """Of the prompt tokens, those that had to be computed: the others were in the cache of earlier prompts."""


class SpeechLM(Protocol):
    """A language model that continues speech codes."""

    def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        """Speaks; closing the iterator early frees the take's place.

        Raises:
            InvalidText: the prompt leaves no room in the context window.
            Unavailable: the engine has died.
        """
        ...

    async def stats(self) -> EngineStats: ...
