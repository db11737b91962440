from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa import linear
from deployments.llasa.weights import Weights
from deployments.profiles import WeightType
from tests.llasa.takes import CODES, SHAPE


@pytest.fixture
def weight_type() -> WeightType:
    return "auto"


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, weight_type: WeightType) -> Iterator[Weights]:
    """With torch's own linear layers, as on a GPU: only their calls can be recorded."""
    monkeypatch.setattr(linear, "_KERNELS", "of another processor")
    linear.has_half_kernels.cache_clear()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield random_weights(replace(SHAPE, weights=weight_type), codec_size=CODES)
    linear.has_half_kernels.cache_clear()
