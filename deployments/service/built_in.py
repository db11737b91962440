"""The voices that exist from the start."""

from typing import Final

import numpy as np

from deployments.llasa.protocol import Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.residency.protocol import Residency
from deployments.synthesis.pace import Pace
from deployments.voices.store import Voice, normal_name

BUILT_IN: Final = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip
"""OpenAI's names. Their voices ship with the embedded checkpoints. With others, each is the voice that Llasa chooses
without a reference for `PHRASE`, with its index here (from 1) as the seed: generated at first use, then stored. They
do not sound like OpenAI's."""
PHRASE: Final = "The sun is up, and a new day can begin."
_TRIES: Final = 3
"""Attempts at a built-in voice, with seeds `len(BUILT_IN)` apart, until one ends by itself."""


def built_in(name: str) -> Voice:
    """Returns a built-in voice that is not generated yet."""
    return Voice(f"builtin_{name}", name, created_at=0, ref_text=PHRASE, duration=0.0)


def built_in_name(key: str) -> str | None:
    """Returns the name of a built-in voice by its name or id; None if there is none."""
    name = normal_name(key).lower().removeprefix("builtin_")
    return name if name in BUILT_IN else None


async def generated_codes(name: str, lm: SpeechLM, residency: Residency) -> Codes:
    """Returns the codes of a built-in voice, which the model chooses itself."""
    fewest, most = Pace().bounds(PHRASE)
    codes: Codes = np.zeros(0, np.int32)
    async with residency.held(["Llasa"]):
        for attempt in range(_TRIES):
            sampling = Sampling(seed=BUILT_IN.index(name) + 1 + attempt * len(BUILT_IN))
            take = TakeRequest(PHRASE, sampling=sampling, min_codes=fewest, max_codes=most)
            codes, finish = await _take(lm, take)
            if finish == "stop":
                break
    return codes


async def _take(lm: SpeechLM, take: TakeRequest) -> tuple[Codes, FinishReason | None]:
    chunks = [chunk async for chunk in lm.generate(take)]
    return np.concatenate([chunk.codes for chunk in chunks]), chunks[-1].finish
