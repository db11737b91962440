from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import torch

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa import steps
from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps
from tests.llasa.test_slots import CODES, SHAPE, WINDOW


@pytest.mark.parametrize("fast", [1, 2])
def test_steps_take_as_many_threads_as_make_them_fastest(fast: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    class Uneven(Slots):
        """Slots whose steps are fast with so many threads."""

        def step(self, batch: int, lengths: Sequence[int] | None, features: Features) -> torch.Tensor:
            nonlocal now
            now += 1 if torch.get_num_threads() == fast else 3
            return super().step(batch, lengths, features)

    monkeypatch.setattr(steps, "time", SimpleNamespace(perf_counter=lambda: now))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with EagerSteps(Uneven(random_weights(SHAPE, codec_size=CODES), 2, WINDOW)).context():
            assert torch.get_num_threads() == fast
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
