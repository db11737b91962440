"""Sampling inside the engine's batch, with parameters per take.

transformers' continuous batching supports temperature, top-k and top-p per request, but drops repetition penalties and
minimum lengths, and seeds the batch instead of the request. This list replaces its processors. The next token is the
argmax of perturbed logits (Gumbel-max), with noise that depends on the take's seed, the step and the token only: apart
from rounding of its logits, a take is the same alone and in a batch.
"""

from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers.generation import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessorList
from transformers.generation.continuous_batching.requests import FutureRequestState

from deployments.llasa.protocol import Sampling

WINDOW: Final = 128
"""Maximum codes that a repetition penalty can look back on."""

_SLOT, _STEP, _MINIMUM, _SEED, _TOP_K, _LOOKBACK, _TEMPERATURE, _TOP_P, _PENALTY = range(9)
_INTEGERS: Final = 6  # the rows after these hold float32 in int32 storage
_ROWS: Final = 9


@dataclass(frozen=True, slots=True)
class Rules:
    """Sampling parameters of one take; travel with the request through the batching."""

    slot: int
    """Row of the sampler's history that belongs to this take."""
    prompt_tokens: int
    min_codes: int
    sampling: Sampling


class TakeSampler(ContinuousBatchingLogitsProcessorList):  # type: ignore[misc]
    """Penalises, forbids, warps and perturbs logits so that their argmax is the next token.

    Args:
        slots: Takes that can be in the batch at once.
        end: Id of END, the last of the vocabulary.
        device: Device of the logits.
    """

    def __init__(self, slots: int, end: int, device: torch.device | str = "cpu") -> None:
        super().__init__(LogitsProcessorList())
        self.tensors_required = _ROWS
        self.do_processing = True
        self.largest_batch = 0
        self.steps = 0
        self.codes = 0
        self.prefilled_tokens = 0
        self._end = end
        self._spare_slot = slots
        # Ring buffers of each take's last codes. On the device, so that asynchronous batching need not wait for them.
        self._recent = torch.full((slots + 1, WINDOW), -1, dtype=torch.int64, device=device)
        self._places = torch.arange(WINDOW, device=device)
        self._candidates = end + 1
        self._static = torch.device(device).type != "cpu"

    def check_kwargs(self, kwargs: dict[str, Any]) -> None:
        """Does nothing: the engine itself makes the arguments."""

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Makes padding rows sample greedily into the spare slot."""
        int32_tensor.zero_()
        int32_tensor[_SLOT] = self._spare_slot
        int32_tensor[_PENALTY] = torch.ones((), dtype=torch.float32).view(torch.int32).to(int32_tensor.device)

    def prepare_tensor_args(
        self, requests_in_batch: list[FutureRequestState], arg_storage: torch.Tensor
    ) -> torch.Tensor:
        """Writes the rules of the takes that get a token this step into the columns of `arg_storage`."""
        columns = []
        for request in requests_in_batch:
            rules: Rules = request.state.logit_processor_kwargs["rules"]
            # From the position, not from the tokens known so far: asynchronous batching lags by one.
            step = request.state.position_offset - rules.prompt_tokens
            if step <= 0:
                self.prefilled_tokens += request.query_length
            if request.has_new_token:
                columns.append(_column(rules, step))
        if columns and not self._static:  # a CUDA graph replays the shapes that it was captured with
            top_k = [int(column[_TOP_K]) or self._end + 1 for column in columns]
            self._candidates = min(max(top_k), self._end + 1)
        self.largest_batch = max(self.largest_batch, len(columns))
        self.steps += 1
        self.codes += len(columns)
        if columns:
            integers = torch.tensor([column[:_INTEGERS] for column in columns], dtype=torch.int64).to(torch.int32)
            floats = torch.tensor([column[_INTEGERS:] for column in columns], dtype=torch.float32).view(torch.int32)
            arg_storage[:, : len(columns)] = torch.cat([integers, floats], dim=1).T.to(arg_storage.device)
        self.fill_defaults(arg_storage[:, len(columns) :])
        return arg_storage

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, logits_processor_args: torch.Tensor
    ) -> torch.Tensor:
        """[takes] last tokens, [takes, vocabulary] logits, [rows, takes] rules -> [takes, vocabulary] to maximise."""
        slot, step, minimum, seed, top_k, lookback = logits_processor_args[:_INTEGERS].long()
        temperature, top_p, penalty = logits_processor_args[_INTEGERS:].contiguous().view(torch.float32)[..., None]
        recent = self._remember(slot, step, input_ids.long())
        scores = self._penalise(scores, recent, step, lookback, penalty)
        scores[:, self._end].masked_fill_(step < minimum, -torch.inf)
        warm = temperature > 0
        likeliest, tokens = scores.topk(self._candidates)
        likeliest = _truncate(likeliest / torch.where(warm, temperature, 1.0), top_k[:, None], top_p)
        noisy = likeliest + torch.where(warm, gumbel(seed[:, None], step[:, None], tokens), 0.0)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens, noisy)

    def _remember(self, slot: torch.Tensor, step: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Adds each take's last code to its history. At step 0 the last token is the prompt's: history begins empty."""
        begins = (step <= 0)[:, None]
        recent = torch.where(begins, -1, self._recent[slot])
        place = ((step - 1) % WINDOW)[:, None]
        recent = recent.scatter(1, place, torch.where(begins, -1, last[:, None]))
        self._recent[slot] = recent
        return recent

    def _penalise(
        self,
        scores: torch.Tensor,
        recent: torch.Tensor,
        step: torch.Tensor,
        lookback: torch.Tensor,
        penalty: torch.Tensor,
    ) -> torch.Tensor:
        """CTRL's repetition penalty (arXiv:1909.05858), as in transformers, on the last `lookback` codes."""
        age = ((step - 1)[:, None] - self._places) % WINDOW
        counts = (recent >= 0) & (age < lookback[:, None])
        # END is never among the codes: if there is none to penalise, its own logit is written back.
        tokens = torch.where(counts, recent, self._end)
        logits = scores.gather(1, tokens)
        penalised = torch.where(logits > 0, logits / penalty, logits * penalty)
        return scores.scatter(1, tokens, torch.where(counts, penalised, logits))


def gumbel(seed: torch.Tensor, step: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Returns standard Gumbel noise, float32, as a function of integer arguments that broadcast.

    Each argument is folded in by MurmurHash3's 32-bit finaliser. 23 bits of the hash make the uniform variable, which
    keeps it away from 0 and 1 in float32.
    """
    state = _mix(_mix(seed + 0x9E3779B9) ^ _mix(step + 0x85EBCA6B))
    uniform = ((_mix(state ^ (token * 0x9E3779B1)) >> 9).float() + 0.5) * 2.0**-23
    return -torch.log(-torch.log(uniform))


def _mix(h: torch.Tensor) -> torch.Tensor:
    h = h & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)


def _column(rules: Rules, step: int) -> tuple[float, ...]:
    sampling = rules.sampling
    return (
        rules.slot,
        step,
        rules.min_codes,
        sampling.seed,
        sampling.top_k,
        min(sampling.repetition_window, WINDOW),
        sampling.temperature,
        sampling.top_p,
        sampling.repetition_penalty,
    )


def _truncate(descending: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Keeps the `top_k` likeliest tokens (0: all), and of these the fewest whose probabilities reach `top_p`."""
    rank = torch.arange(descending.shape[-1], device=descending.device)
    descending = descending.masked_fill((top_k > 0) & (rank >= top_k), -torch.inf)
    probabilities = descending.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    return descending.masked_fill((before >= top_p) & (rank > 0), -torch.inf)
