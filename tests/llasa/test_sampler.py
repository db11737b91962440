"""The sampler against transformers' own processors and against the distributions it promises."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState

from deployments.llasa.protocol import Sampling
from deployments.llasa.sampler import Rules, TakeSampler, gumbel

VOCABULARY = 33  # 32 codes and END
END = 32


def arguments(sampler: TakeSampler, steps: list[tuple[Rules, int]], width: int = 16) -> torch.Tensor:
    """What the engine hands to the sampler when each take has already made so many tokens."""
    batch = []
    for number, (rules, step) in enumerate(steps):
        state = RequestState(f"take-{number}", [0] * rules.prompt_tokens, logit_processor_kwargs={"rules": rules})
        state.position_offset = rules.prompt_tokens + step
        batch.append(FutureRequestState(state, True, 0, 1))
    storage = torch.zeros((sampler.tensors_required, width), dtype=torch.int32)
    return sampler.prepare_tensor_args(batch, storage)[:, : len(steps)]


def process(sampler: TakeSampler, rules: Rules, history: list[int], scores: torch.Tensor) -> torch.Tensor:
    """Replays a take's steps, so that its history is as in the engine, and returns the last step's scores."""
    out = scores
    for step, last in enumerate([7, *history]):
        out = sampler(torch.tensor([last]), scores.clone(), arguments(sampler, [(rules, step)]))
    return out


def rules(min_codes: int = 0, slot: int = 0, **sampling: float) -> Rules:
    defaults = {"temperature": 1.0, "top_k": 0, "top_p": 1.0} | sampling
    return Rules(slot, 10, min_codes, Sampling(**defaults))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    logits=st.lists(
        st.integers(-8000, 8000).map(lambda n: n / 1000), min_size=VOCABULARY, max_size=VOCABULARY, unique=True
    ),
    history=st.lists(st.integers(0, END - 1), max_size=12),
    temperature=st.floats(0.1, 2),
    top_k=st.integers(0, 40),
    top_p=st.floats(0.05, 0.95),
    penalty=st.floats(1, 2),
)
def test_warping_equals_transformers_processors(
    logits: list[float], history: list[int], temperature: float, top_k: int, top_p: float, penalty: float
) -> None:
    scores = torch.tensor([logits])
    take = rules(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty)
    ours = process(TakeSampler(1, END), take, history, scores)

    expected = scores
    if history:
        expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([history]), expected.clone())
    expected = TemperatureLogitsWarper(temperature)(None, expected)
    if top_k:
        expected = TopKLogitsWarper(top_k)(None, expected)
    expected = TopPLogitsWarper(top_p)(None, expected)
    noise = gumbel(torch.tensor([[0]]), torch.tensor([[len(history)]]), torch.arange(VOCABULARY))
    kept = ours > -torch.inf
    # Cumulative sums in another order may differ by a token at the very edge of top_p.
    assert (kept != (expected > -torch.inf)).sum() <= 1
    both = kept & (expected > -torch.inf)
    torch.testing.assert_close((ours - noise)[both], expected[both], atol=1e-3, rtol=1e-3)


def test_the_penalty_forgets_codes_outside_its_window_and_never_sees_the_prompt() -> None:
    scores = torch.ones((1, VOCABULARY))
    take = rules(temperature=0, repetition_penalty=2.0, repetition_window=3)
    out = process(TakeSampler(1, END), take, [1, 2, 3, 4], scores)
    assert torch.nonzero(out[0] == 0.5).flatten().tolist() == [2, 3, 4]
    assert out[0, 7] == 1.0  # the prompt's last token in `process`


def test_end_is_forbidden_before_the_minimum_and_allowed_from_it_on() -> None:
    scores = torch.zeros((1, VOCABULARY))
    scores[0, END] = 10
    sampler = TakeSampler(1, END)
    assert process(sampler, rules(min_codes=3, temperature=0), [1, 2], scores).argmax() != END
    assert process(sampler, rules(min_codes=3, temperature=0), [1, 2, 3], scores).argmax() == END


def test_a_slot_used_again_begins_with_an_empty_history() -> None:
    scores = torch.ones((1, VOCABULARY))
    sampler = TakeSampler(1, END)
    take = rules(temperature=0, repetition_penalty=2.0)
    process(sampler, take, [1, 2, 3], scores)
    assert (process(sampler, take, [5], scores) == 0.5).nonzero().tolist() == [[0, 5]]


def test_takes_in_one_batch_keep_to_their_own_rules() -> None:
    scores = torch.randn((3, VOCABULARY), generator=torch.Generator().manual_seed(0))
    takes = [rules(slot=0, seed=1), rules(slot=1, seed=2, temperature=0.5, top_k=5), rules(slot=2, temperature=0)]
    sampler = TakeSampler(3, END)
    together = sampler(torch.tensor([1, 2, 3]), scores.clone(), arguments(sampler, [(take, 0) for take in takes]))
    for row, take in enumerate(takes):
        alone = TakeSampler(3, END)
        single = alone(torch.tensor([row + 1]), scores[row : row + 1].clone(), arguments(alone, [(take, 0)]))
        torch.testing.assert_close(together[row], single[0], atol=0, rtol=0)


def test_padding_of_the_batch_touches_no_takes_history() -> None:
    sampler = TakeSampler(1, END)
    take = rules(temperature=0, repetition_penalty=2.0)
    scores = torch.ones((4, VOCABULARY))
    for step, last in enumerate([7, 1, 2]):
        padded = arguments(sampler, [(take, step)], width=16)
        storage = torch.zeros((sampler.tensors_required, 4), dtype=torch.int32)
        sampler.fill_defaults(storage)
        storage[:, :1] = padded
        out = sampler(torch.tensor([last, 9, 9, 9]), scores.clone(), storage)
    assert (out[0] == 0.5).nonzero().flatten().tolist() == [1, 2]


def test_noise_is_standard_gumbel_and_unlike_from_seed_to_seed_and_step_to_step() -> None:
    seeds, steps, tokens = torch.arange(40)[:, None, None], torch.arange(40)[None, :, None], torch.arange(64)
    noise = gumbel(seeds, steps, tokens).double().numpy()
    assert np.isfinite(noise).all()
    assert abs(noise.mean() - np.euler_gamma) < 0.02
    assert abs(noise.std() - np.pi / 6**0.5) < 0.02
    for axis in range(3):
        shifted = np.roll(noise, 1, axis)
        assert abs(np.corrcoef(noise.ravel(), shifted.ravel())[0, 1]) < 0.01


def test_sampled_frequencies_follow_the_softmax() -> None:
    logits = torch.linspace(-2, 2, VOCABULARY)
    noise = gumbel(torch.arange(20_000)[:, None], torch.tensor([[3]]), torch.arange(VOCABULARY))
    counts = torch.bincount((logits + noise).argmax(-1), minlength=VOCABULARY).double()
    probabilities = logits.double().softmax(-1)
    chi_square = ((counts - 20_000 * probabilities) ** 2 / (20_000 * probabilities)).sum()
    assert chi_square < 70  # 32 degrees of freedom: p = 1e-4
