"""Compares two versions of a model: the codes that they like best, and their logits, fed with the same codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from deployments.llasa.model import Llama
from deployments.llasa.protocol import Sampling, TakeRequest
from deployments.llasa.weights import Weights
from deployments.placement.memory import WINDOW
from deployments.voices.shipped import shipped_voices

TEXTS: Final = (
    "The old man walked to the river.",
    "She likes the small red house, and her friend has seven good books.",
    "We found the key in the garden.",
    "The sun is up, and a new day can begin.",
)


@dataclass(frozen=True, slots=True)
class Parity:
    """How a model agrees with a reference."""

    steps: int
    same_code: float
    """Fraction of the steps in which both like the same code best."""
    mean_error: float
    """Of the logits of codes and END."""
    largest_error: float
    spread: float
    """Standard deviation of the reference's logits."""


def nano_requests() -> list[TakeRequest]:
    """Returns takes for the embedded Llasa, of several voices and lengths, greedy and sampled."""
    voices = [*shipped_voices().values()]
    return [
        TakeRequest(text, voice.text, voice.codes, sampling=Sampling(temperature=0.8 * (n % 2), seed=n), max_codes=250)
        for n, (text, voice) in enumerate((text, voice) for text in TEXTS for voice in voices[:2])
    ]


@torch.inference_mode()
def compare(reference: Weights, other: Weights, prompts: Sequence[Sequence[int]], steps: int) -> Parity:
    """Continues prompts with the codes that the reference likes best.

    Args:
        reference: Decides the codes.
        other: The same model, with other weights or on another device.
        prompts: Engine ids.
        steps: Codes after each prompt.
    """
    codes = reference.sampled - 1
    same, means, largest, spreads = 0, [], [], []
    for prompt in prompts:
        llamas = [(weights, Llama(weights, 1, WINDOW)) for weights in (reference, other)]
        for weights, llama in llamas:
            llama.prefill(0, torch.tensor(prompt[:-1], device=weights.device), 0)
        token = prompt[-1]
        for position in range(len(prompt) - 1, len(prompt) - 1 + steps):
            one, two = (_logits(weights, llama, token, position) for weights, llama in llamas)
            token = int(one[:codes].argmax())
            same += token == int(two[:codes].argmax())
            errors = (one - two).abs()
            means.append(float(errors.mean()))
            largest.append(float(errors.max()))
            spreads.append(float(one.std()))
    count = len(prompts) * steps
    return Parity(count, same / count, float(np.mean(means)), max(largest), float(np.mean(spreads)))


def _logits(weights: Weights, llama: Llama, token: int, position: int) -> torch.Tensor:
    one, place = (torch.tensor([number], device=weights.device) for number in (token, position))
    lengths = [position + 1] if weights.device.type == "cpu" else None
    return llama.decode(one, place, lengths)[0].cpu()
