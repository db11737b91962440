"""Reading prompts."""

import numpy as np
import torch
from numpy.typing import NDArray

from cli.gpu_check.random_checkpoint import random_weights
from deployments.llasa.protocol import Sampling
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import EagerSteps
from tests.llasa.takes import CODES, END, SHAPE, WINDOW, outcome, run, take


class Short(Slots):
    """Slots without the memory for long chunks."""

    def prefill(self, slot: int, tokens: NDArray[np.int64], start: int) -> None:
        if len(tokens) > 64:
            raise torch.OutOfMemoryError("out of memory")
        super().prefill(slot, tokens, start)


def test_prompts_are_read_in_smaller_chunks_where_memory_is_short() -> None:
    one = take(1, prompt=np.arange(300) % 90 + END + 1, limit=8, min_codes=8, sampling=Sampling(temperature=0))
    slots = Short(random_weights(SHAPE, codec_size=CODES), 1, WINDOW)
    run(Scheduler(slots, EagerSteps(slots), END), one)
    result = outcome(one)
    assert not isinstance(result, str)
    assert (len(result[0]), result[1]) == (8, "length")
