"""Loads a Llasa checkpoint for the engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch

from deployments.errors import Unavailable
from deployments.llasa.config import LlamaConfig
from deployments.llasa.linear import check_weights
from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import Vocabulary
from deployments.llasa.weights import CheckpointFiles, Weights, read_weights
from deployments.profiles import Profile, WeightType


@dataclass(frozen=True)
class Checkpoint:
    """Weights by engine id, with their vocabulary and prompts."""

    weights: Weights
    vocabulary: Vocabulary
    prompts: PromptBuilder


class CheckpointFolder:
    """A Llasa in a local folder, with its vocabulary and prompts already read.

    Args:
        path: The folder.
        device: Where its weights are loaded to: bfloat16 on a GPU; float16 weights and float32 activations on a CPU.
        weights: Type of the matrices, made from the checkpoint's while it is read.
        system: See `PromptBuilder`.
        normaliser: See `PromptBuilder`.

    Raises:
        Unavailable: files are missing, or are not a Llasa's; the device does not compute with such weights.
    """

    def __init__(
        self,
        path: str,
        device: str = "cpu",
        weights: WeightType = "auto",
        *,
        system: Literal["captions"] | None = None,
        normaliser: Literal["anime"] | None = None,
    ) -> None:
        check_weights(weights, device)
        self._folder = Path(path)
        self._device = device
        self._weights: WeightType = weights
        with _errors_of(path):
            self._config = LlamaConfig.read(self._folder)
            tokenizer = LlasaTokenizer.read(self._folder)
            self._vocabulary = Vocabulary.of(tokenizer.tokens, self._config.shape.vocabulary)
            self._prompts = PromptBuilder(tokenizer, self._vocabulary, system, normaliser)

    @classmethod
    def of(cls, profile: Profile, folder: Path) -> Self:
        """Returns the checkpoint of a profile, which was fetched into a folder."""
        return cls(str(folder), profile.device, profile.weights, system=profile.system, normaliser=profile.normaliser)

    def load(self) -> Checkpoint:
        """Reads the weights.

        Raises:
            Unavailable: files are missing, or are not a Llasa's.
            OutOfMemoryError: the device has too little memory.
        """
        with _errors_of(str(self._folder)):
            files = CheckpointFiles(self._folder, self._config)
            order, sampled = torch.from_numpy(self._vocabulary.order), self._vocabulary.end + 1
            weights = read_weights(self._config, files, order, sampled, self._device, self._weights)
        return Checkpoint(weights, self._vocabulary, self._prompts)


def load_checkpoint(path: str, device: str = "cpu", weights: WeightType = "auto") -> Checkpoint:
    """Loads a Llasa from a local folder: see `CheckpointFolder`."""
    return CheckpointFolder(path, device, weights).load()


@contextmanager
def _errors_of(path: str) -> Iterator[None]:
    try:
        yield
    except (Unavailable, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # each library involved has its own kinds
        raise Unavailable(f"The Llasa checkpoint at {path} cannot be loaded: {error}") from error
