"""The sampler against transformers' own processors and against the distributions it promises."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from deployments.llasa.protocol import Sampling
from deployments.llasa.sampler import Features, Sampler, gumbel, noise_key

VOCABULARY = 33  # 32 codes and END
END = 32
STEPS = 200


def sampling(**fields: float) -> Sampling:
    return Sampling(**({"temperature": 1.0, "top_k": 0, "top_p": 1.0} | fields))  # type: ignore[arg-type]


def choose(rules: Sampling, history: list[int], logits: torch.Tensor, *, min_codes: int = 0, slot: int = 0) -> int:
    """The token that follows `history`; it must not matter whether the sampler computes more than this take needs."""
    chosen = set()
    for features in (Features(), Features.of([rules])):
        sampler = Sampler(slot + 1, END, STEPS)
        sampler.admit(slot, rules, min_codes)
        for step, token in enumerate(history):
            certain = torch.zeros(slot + 1, VOCABULARY).index_fill_(1, torch.tensor([token]), 1e6)
            assert sampler(certain, torch.full((slot + 1,), step), features)[slot] == token
        scores = logits.repeat(slot + 1, 1)
        chosen.add(int(sampler(scores, torch.full((slot + 1,), len(history)), features)[slot]))
    (token,) = chosen
    return token


@settings(max_examples=100, deadline=None)
@given(
    logits=st.lists(
        st.integers(-8000, 8000).map(lambda n: n / 1000), min_size=VOCABULARY, max_size=VOCABULARY, unique=True
    ),
    history=st.lists(st.integers(0, END - 1), max_size=12),
    temperature=st.floats(0.1, 2),
    top_k=st.integers(0, 40),
    top_p=st.floats(0.05, 1),
    penalty=st.floats(1, 2),
    seed=st.integers(0, 2**40),
)
def test_a_token_is_the_argmax_of_transformers_warped_logits_and_the_takes_noise(
    logits: list[float], history: list[int], temperature: float, top_k: int, top_p: float, penalty: float, seed: int
) -> None:
    rules = sampling(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty, seed=seed)
    scores = torch.tensor([logits])
    if history:
        scores = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([history]), scores)
    scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    # Sums in another order may differ by a token at the very edge of top_p.
    assume(((scores.softmax(-1).sort(descending=True)[0].cumsum(-1) - top_p).abs() > 1e-4).all())
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    key = noise_key(torch.tensor(seed & 0xFFFFFFFF), torch.tensor(len(history)))
    noisy = (scores + gumbel(key, torch.arange(VOCABULARY)))[0].sort(descending=True)[0]
    assume(noisy[0] - noisy[1] > 1e-4)
    chosen = choose(rules, history, torch.tensor([logits]))
    assert chosen == int((scores + gumbel(key, torch.arange(VOCABULARY))).argmax())


def test_the_penalty_forgets_codes_outside_its_window() -> None:
    logits = torch.full((1, VOCABULARY), 0.6)
    logits[0, :5] = 1.0
    assert choose(sampling(temperature=0, repetition_penalty=2.0, repetition_window=3), [3, 2, 1, 0], logits) == 3
    assert choose(sampling(temperature=0, repetition_penalty=2.0, repetition_window=4), [3, 2, 1, 0], logits) == 4
    assert choose(sampling(temperature=0, repetition_penalty=2.0), [3, 2, 1, 0, 4], logits) == 5


def test_end_is_forbidden_before_the_minimum_and_allowed_from_it_on() -> None:
    logits = torch.zeros(1, VOCABULARY)
    logits[0, END] = 10
    greedy = sampling(temperature=0)
    assert choose(greedy, [1, 2], logits, min_codes=3) != END
    assert choose(greedy, [1, 2, 3], logits, min_codes=3) == END


def test_a_slot_used_again_begins_with_an_empty_history() -> None:
    sampler = Sampler(1, END, STEPS)
    rules = sampling(temperature=0, repetition_penalty=2.0)
    logits = torch.full((1, VOCABULARY), 0.6).index_fill_(1, torch.tensor([3]), 1.0)
    for _ in range(2):
        sampler.admit(0, rules, 0)
        assert sampler(logits.clone(), torch.tensor([0]), Features()).item() == 3
        assert sampler(logits.clone(), torch.tensor([1]), Features()).item() != 3


@pytest.mark.parametrize("features", [Features(), Features(penalties=False)])
def test_takes_in_one_batch_keep_to_their_own_rules(features: Features) -> None:
    logits = torch.randn((4, VOCABULARY), generator=torch.Generator().manual_seed(0))
    takes = [sampling(seed=1), sampling(seed=2, temperature=0.5, top_k=5), sampling(temperature=0), sampling(top_p=0.5)]
    sampler = Sampler(4, END, STEPS)
    for slot, rules in enumerate(takes):
        sampler.admit(slot, rules, 0)
    for step in range(30):
        together = sampler(logits.clone(), torch.full((4,), step), features).tolist()
        for row, rules in enumerate(takes):
            alone = Sampler(1, END, STEPS)
            alone.admit(0, rules, 0)
            assert alone(logits[row : row + 1].clone(), torch.tensor([step]), features).item() == together[row]


@pytest.mark.parametrize("top_p", [0.3, 0.8])
def test_a_nucleus_is_relative_to_all_codes_though_only_the_likeliest_are_candidates(top_p: float) -> None:
    codes = 5000
    logits = torch.linspace(3, -3, codes + 1)[torch.randperm(codes + 1, generator=torch.Generator().manual_seed(1))]
    likeliest = logits.softmax(-1).sort(descending=True)
    nucleus = set(likeliest.indices[: int((likeliest.values.cumsum(0) < top_p).sum()) + 1].tolist())
    nucleus &= set(likeliest.indices[:1024].tolist())
    sampler = Sampler(1, codes, 400)
    sampler.admit(0, sampling(top_p=top_p), 0)
    chosen = {
        int(sampler(logits[None].clone(), torch.tensor([step]), Features(all_codes=False))) for step in range(400)
    }
    assert chosen <= nucleus
    assert max(map(likeliest.indices.tolist().index, chosen)) > len(nucleus) * 0.9


def test_without_top_k_and_top_p_every_code_may_come() -> None:
    sampler = Sampler(1, 5000, 400)
    sampler.admit(0, sampling(), 0)
    chosen = [int(sampler(torch.zeros(1, 5001), torch.tensor([step]), Features())) for step in range(400)]
    assert len(set(chosen)) > 350


def test_noise_is_standard_gumbel_and_unlike_from_seed_to_seed_and_step_to_step() -> None:
    seeds, steps, tokens = torch.arange(40)[:, None, None], torch.arange(40)[None, :, None], torch.arange(64)
    noise = gumbel(noise_key(seeds, steps), tokens).double().numpy()
    assert np.isfinite(noise).all()
    assert abs(noise.mean() - np.euler_gamma) < 0.02
    assert abs(noise.std() - np.pi / 6**0.5) < 0.02
    for axis in range(3):
        shifted = np.roll(noise, 1, axis)
        assert abs(np.corrcoef(noise.ravel(), shifted.ravel())[0, 1]) < 0.01


def test_sampled_frequencies_follow_the_softmax() -> None:
    logits = torch.linspace(-2, 2, VOCABULARY)
    noise = gumbel(noise_key(torch.arange(20_000)[:, None], torch.tensor([[3]])), torch.arange(VOCABULARY))
    counts = torch.bincount((logits + noise).argmax(-1), minlength=VOCABULARY).double()
    probabilities = logits.double().softmax(-1)
    chi_square = ((counts - 20_000 * probabilities) ** 2 / (20_000 * probabilities)).sum()
    assert chi_square < 70  # 32 degrees of freedom: p = 1e-4
