"""Llamas of any shape with random weights, without a file: also on the meta device, where they take no memory."""

from typing import Final

import torch

from deployments.llasa.config import LlamaConfig
from deployments.llasa.weights import Weights, expected_tensors, read_weights
from deployments.placement.memory import CODEC_SIZE, LlamaShape

ROPE: Final = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


class RandomTensors:
    """Tensors of a checkpoint of any shape, made when they are read."""

    def __init__(self, config: LlamaConfig, device: str) -> None:
        self._expected = expected_tensors(config)
        self._device = device
        self.names = self._expected.keys()

    def get(self, name: str) -> torch.Tensor:
        shape = self._expected[name]
        if name.endswith("norm.weight"):
            return torch.ones(shape, device=self._device)
        return torch.randn(shape, device=self._device).mul_(shape[-1] ** -0.5)


def random_weights(shape: LlamaShape, device: str = "cpu", codec_size: int = CODEC_SIZE) -> Weights:
    """Returns weights as they are loaded from a checkpoint of this shape."""
    config = LlamaConfig(shape, 1e-5, tied=False, rope=ROPE)
    order = torch.arange(shape.vocabulary)
    return read_weights(config, RandomTensors(config, device), order, codec_size + 1, device)
