"""Sampling inside the step, with parameters per take.

The next token is the argmax of perturbed logits (Gumbel-max), with noise that depends on the take's seed, the step and
the token only: apart from rounding of its logits, a take is the same alone and in a batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import torch

from deployments.llasa.protocol import Sampling

LOOKBACK: Final = 128
"""Maximum codes that a repetition penalty can look back on: a power of two, so that a mask replaces the remainder."""
_FEW, _MANY = 64, 1024
"""Candidates among which a step chooses: the likeliest ones. A multiple of every vector's length, so that a row is
computed alike with any of them. Sorting all of 65 537 codes would take a hundred times the memory traffic."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the takes of a batch need of the sampler: the rest is not computed. A CUDA graph computes everything."""

    many: bool = True
    """Whether a take chooses among more than a few candidates."""
    all_codes: bool = True
    """Whether a take chooses among all codes: without top_k and top_p."""
    penalties: bool = True
    """Whether a take has a repetition penalty."""

    @classmethod
    def of(cls, samplings: Iterable[Sampling]) -> Self:
        """Returns what these need."""
        samplings = list(samplings)
        return cls(
            many=any(not 0 < sampling.top_k <= _FEW and not _is_open(sampling) for sampling in samplings),
            all_codes=any(_is_open(sampling) for sampling in samplings),
            penalties=any(sampling.repetition_penalty != 1 for sampling in samplings),
        )


class Sampler:
    """Chooses tokens for the takes in `slots` slots.

    Args:
        slots: Takes that can be in the batch at once.
        end: Id of END, the last of the vocabulary.
        steps: Maximum steps of a take.
        device: Device of the logits.
    """

    def __init__(self, slots: int, end: int, steps: int, device: torch.device | str = "cpu") -> None:
        self._end = end
        self._few, self._many = min(_FEW, end + 1), min(_MANY, end + 1)
        self._integers = torch.zeros(slots, 4, dtype=torch.int64, device=device)
        self._floats = torch.ones(slots, 4, device=device)
        self._keys = torch.zeros(slots, steps, dtype=torch.int64, device=device)
        """Noise keys of each take's steps."""
        self._recent = torch.full((slots, LOOKBACK), -1, dtype=torch.int64, device=device)
        """Each take's last codes: a ring buffer."""
        self._rows = torch.arange(slots, device=device)
        self._codes = torch.arange(end + 1, device=device)
        self._ring = torch.arange(LOOKBACK, device=device)

    def admit(self, slot: int, sampling: Sampling, min_codes: int) -> None:
        """Sets the rules of a slot's next take."""
        warm = sampling.temperature > 0
        is_open = _is_open(sampling)
        lookback = min(int(sampling.repetition_window), LOOKBACK)
        integers = min_codes, max(int(sampling.top_k), 0), lookback, is_open
        heat = 1 / sampling.temperature if warm else 1.0
        top_p = sampling.top_p if sampling.top_p < 1 else 2.0  # beyond any rounding
        floats = heat, top_p, sampling.repetition_penalty, warm
        self._integers[slot] = torch.tensor(integers, dtype=torch.int64)
        self._floats[slot] = torch.tensor(floats, dtype=torch.float32)
        seed = torch.tensor(int(sampling.seed) & 0xFFFFFFFF)
        self._keys[slot] = noise_key(seed, torch.arange(self._keys.shape[1]))
        self._recent[slot] = -1

    def __call__(self, logits: torch.Tensor, step: torch.Tensor, features: Features) -> torch.Tensor:
        """Returns the next token of the first slots, [takes].

        Args:
            logits: [takes, vocabulary] float32; overwritten.
            step: [takes] tokens made before.
            features: What the takes need.
        """
        takes = len(logits)
        minimum, top_k, lookback, is_open = self._integers[:takes].T
        heat, top_p, penalty, warm = self._floats[:takes].T[..., None]
        if features.penalties:
            logits = self._penalise(logits, step[:, None], lookback[:, None], penalty)
        logits[:, self._end].masked_fill_(step < minimum, -torch.inf)
        logits *= heat
        keys = self._keys[:takes].gather(1, step[:, None])
        likeliest, tokens = logits.topk(self._many if features.many else self._few)
        kept = self._truncate(likeliest, logits, top_k[:, None], top_p, features)
        choice = kept.add_(gumbel(keys, tokens).mul_(warm)).argmax(1, keepdim=True)
        chosen = tokens.gather(1, choice)[:, 0]
        if features.all_codes:
            everything = gumbel(keys, self._codes).mul_(warm).add_(logits).argmax(1)
            chosen = torch.where(is_open > 0, everything, chosen)
        if features.penalties:
            self._recent[self._rows[:takes], step & (LOOKBACK - 1)] = chosen
        return chosen

    def _penalise(
        self, logits: torch.Tensor, step: torch.Tensor, lookback: torch.Tensor, penalty: torch.Tensor
    ) -> torch.Tensor:
        """CTRL's repetition penalty (arXiv:1909.05858), as in transformers, on the last `lookback` codes."""
        recent = self._recent[: len(logits)]
        age = (step - 1 - self._ring) & (LOOKBACK - 1)
        counts = (recent >= 0) & (age < lookback)
        # END is never among the codes: if there is none to penalise, its own logit is written back.
        tokens = torch.where(counts, recent, self._end)
        found = logits.gather(1, tokens)
        penalised = torch.where(found > 0, found / penalty, found * penalty)
        return logits.scatter(1, tokens, torch.where(counts, penalised, found))

    def _truncate(
        self,
        descending: torch.Tensor,
        logits: torch.Tensor,
        top_k: torch.Tensor,
        top_p: torch.Tensor,
        features: Features,
    ) -> torch.Tensor:
        """Keeps the `top_k` likeliest (0: all), and of these the fewest whose probabilities reach `top_p`.

        Probabilities are relative to all codes that `top_k` leaves, though only the candidates can be kept.
        """
        rank = self._codes[: descending.shape[1]]
        outside = (top_k > 0) & (rank >= top_k)
        weights = (descending - descending[:, :1]).exp_().masked_fill_(outside, 0)
        reached = weights.cumsum(1)
        total = reached[:, -1:]
        if features.many and descending.shape[1] <= self._end:
            whole = (logits - descending[:, :1]).exp_().sum(1, keepdim=True)
            total = torch.where((top_k > 0) & (top_k <= descending.shape[1]), total, whole)
        outside |= (reached.sub_(weights) >= top_p * total) & (rank > 0)
        return descending.masked_fill(outside, -torch.inf)


def _is_open(sampling: Sampling) -> bool:
    return sampling.top_k <= 0 and sampling.top_p >= 1


def noise_key(seed: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Returns the key of a step's noise; integer arguments that broadcast."""
    return _mix(_mix(seed + 0x9E3779B9) ^ _mix(step + 0x85EBCA6B))


def gumbel(key: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Returns standard Gumbel noise, float32, as a function of a `noise_key` and a token.

    Both are folded in by MurmurHash3's 32-bit finaliser. 23 bits of the hash make the uniform variable, which keeps it
    away from 0 and 1 in float32.
    """
    uniform = ((_mix(key ^ (token * 0x9E3779B1)) >> 9).float() + 0.5) * 2.0**-23
    return uniform.log_().neg_().log_().neg_()


def _mix(h: torch.Tensor) -> torch.Tensor:
    h = h & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)
