"""Llasa's interface for the other packages: takes of speech codes, streamed."""

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.errors import InvalidInput

FinishReason = Literal["stop", "length", "loop", "error"]
Codes = NDArray[np.int32]

INSTRUCTION = "Convert the text to speech"


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters of sampling. Takes with equal sampling and prompt are equal, whatever else runs in the batch."""

    temperature: float = 0.8
    """0 always picks the likeliest code."""
    top_k: int = 50
    """0 considers every code."""
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    """Divides positive logits (multiplies negative ones) of recent codes; the prompt does not count."""
    repetition_window: int = 64
    """Number of recent codes that the penalty applies to."""
    seed: int = 0

    def __post_init__(self) -> None:
        # A NaN would end the engine, and all running takes with it.
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
    """[n] codes of the reference clip; if empty, the model chooses a voice."""
    instruction: str = INSTRUCTION
    sampling: Sampling = Sampling()
    min_codes: int = 1
    """Minimum codes before END is allowed."""
    max_codes: int | None = None
    """None: limited by the context window only."""
    instructions: str = ""
    """How to speak; only checkpoints with captions read them."""
    background: bool = False
    """Whether nobody waits for it: it may stand still until the others' first codes are there."""


@dataclass(frozen=True, slots=True)
class CodeChunk:
    """Codes in order; only the last chunk of a take has a finish reason."""

    codes: Codes
    finish: FinishReason | None = None
    prompt_tokens: int = 0
    """Tokens of the prompt; set in the first chunk, like the fields below."""
    unknown_characters: bool = False
    """Whether the text has characters without a token."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """State and counters of the engine since its start."""

    running: int
    waiting: int
    largest_batch: int
    """Most takes advanced by one step."""
    steps: int
    codes: int
    prompt_tokens: int
    """Prompt tokens of the takes that have begun to speak."""
    prefilled_tokens: int
    """Prompt tokens that were computed; the others were in the cache."""


class SpeechLM(Protocol):
    """A language model that continues speech codes."""

    def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        """Generates a take; closing the iterator early frees its place.

        Raises:
            InvalidText: the prompt leaves no room in the context window.
            Unavailable: the engine has died.
        """
        ...
