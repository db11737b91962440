"""The state of all takes on the device, and the step that advances it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deployments.llasa.model import Llama
from deployments.llasa.protocol import Sampling
from deployments.llasa.sampler import Features, Sampler
from deployments.llasa.weights import Weights


class Slots:
    """Fixed buffers: a slot holds a take's keys and values, its next token and its position.

    An empty slot stands at the window's last position, which no take reads. So a step can compute it, as it must
    where the batch has a fixed size, without harm.

    Args:
        weights: The model.
        count: Number of slots.
        window: Tokens of the longest take.
    """

    def __init__(self, weights: Weights, count: int, window: int) -> None:
        self.count = count
        self.window = window
        self.device = weights.device
        self._llama = Llama(weights, count, window)
        self._sampler = Sampler(count, weights.sampled - 1, window, self.device)
        self._tokens = torch.zeros(count, dtype=torch.int64, device=self.device)
        self._positions = torch.full((count,), window - 1, device=self.device)
        self._begins = torch.zeros(count, dtype=torch.int64, device=self.device)

    @property
    def cache_bytes(self) -> int:
        """Bytes of keys and values."""
        return self._llama.cache.bytes

    @property
    def attention(self) -> str:
        """How a step attends, in words."""
        return self._llama.cache.kind

    def prefill(self, slot: int, tokens: NDArray[np.int64], start: int) -> None:
        """Computes a chunk of a prompt, from position `start` on."""
        self._llama.prefill(slot, torch.from_numpy(tokens).to(self.device), start)

    def copy(self, source: int, target: int, count: int) -> None:
        """Copies the first `count` tokens of a slot's prompt to another slot."""
        self._llama.cache.copy(source, target, count)

    def begin(self, slot: int, prompt: NDArray[np.int64], sampling: Sampling, min_codes: int) -> None:
        """Begins a take, all of whose prompt but the last token is in its slot: steps advance it from here."""
        self._sampler.admit(slot, sampling, min_codes)
        self._tokens[slot] = int(prompt[-1])
        self._positions[slot] = self._begins[slot] = len(prompt) - 1

    def end(self, slot: int) -> None:
        """Empties a slot."""
        self._positions[slot] = self.window - 1
        self._begins[slot] = 0

    def step(self, batch: int, lengths: Sequence[int] | None, features: Features) -> torch.Tensor:
        """Advances the first `batch` slots by a token.

        Args:
            batch: Number of slots.
            lengths: See `Cache.attention`.
            features: What their takes need of the sampler.

        Returns:
            [batch] the tokens: a buffer that the next step overwrites.
        """
        tokens, positions = self._tokens[:batch], self._positions[:batch]
        logits = self._llama.decode(tokens, positions, lengths)
        tokens.copy_(self._sampler(logits, positions - self._begins[:batch], features))
        positions.add_(1).clamp_(max=self.window - 1)
        return tokens
