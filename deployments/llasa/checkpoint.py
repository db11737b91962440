"""Loads a Llasa checkpoint for the engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from deployments.errors import Unavailable
from deployments.llasa.config import LlamaConfig
from deployments.llasa.linear import check_weights
from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import Vocabulary
from deployments.llasa.weights import CheckpointFiles, Weights, read_weights
from deployments.profiles import WeightType


@dataclass(frozen=True)
class Checkpoint:
    """Weights by engine id, with their vocabulary and prompts."""

    weights: Weights
    vocabulary: Vocabulary
    prompts: PromptBuilder


def load_checkpoint(
    path: str,
    device: str = "cpu",
    weights: WeightType = "auto",
    *,
    system: Literal["captions"] | None = None,
    normaliser: Literal["anime"] | None = None,
) -> Checkpoint:
    """Loads a Llasa from a local folder: bfloat16 on a GPU; float16 weights and float32 activations on a CPU.

    Args:
        path: The folder.
        device: Where to.
        weights: Type of the matrices, made from the checkpoint's while it is read.
        system: See `PromptBuilder`.
        normaliser: See `PromptBuilder`.

    Raises:
        Unavailable: files are missing, or are not a Llasa's; the device does not compute with such weights.
    """
    check_weights(weights, device)
    folder = Path(path)
    try:
        config = LlamaConfig.read(folder)
        tokenizer = LlasaTokenizer.read(folder)
        vocabulary = Vocabulary.of(tokenizer.tokens, config.shape.vocabulary)
        files = CheckpointFiles(folder, config)
        order = torch.from_numpy(vocabulary.order)
        loaded = read_weights(config, files, order, vocabulary.end + 1, device, weights)
    except (Unavailable, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # each library involved has its own kinds
        raise Unavailable(f"The Llasa checkpoint at {path} cannot be loaded: {error}") from error
    return Checkpoint(loaded, vocabulary, PromptBuilder(tokenizer, vocabulary, system, normaliser))
