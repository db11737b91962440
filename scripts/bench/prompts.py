"""Generates prompts without a tokenizer: as long as real ones, and all different."""

from typing import Final

import numpy as np

from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.protocol import TakeRequest
from deployments.llasa.vocabulary import Vocabulary
from scripts.bench.sizes import Size

TEXT_TOKENS: Final = 120
"""Tokens of a prompt before the reference: the template and two sentences."""


def build_vocabulary(size: Size) -> Vocabulary:
    """Builds Llasa's layout: Llama's tokens and the markers first, then the codes; END is a marker."""
    codes = np.arange(size.text_tokens, size.vocabulary)
    end = size.text_tokens - 3
    rest = np.setdiff1d(np.arange(size.text_tokens), [end])
    order = np.concatenate([codes, [end], rest])
    return Vocabulary(size.codec_size, order, np.argsort(order))


class RandomPrompts(PromptBuilder):
    """Replaces the tokenizer: random text tokens, the same ones for the same text."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._size = len(vocabulary.order)
        self._first = vocabulary.end + 1

    def build(self, request: TakeRequest) -> list[int]:
        random = np.random.default_rng(list(request.text.encode()))
        text: list[int] = random.integers(self._first, self._size, TEXT_TOKENS).tolist()
        return [*text, *map(int, request.ref_codes)]

    def reads(self, text: str) -> bool:
        return True
