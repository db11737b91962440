"""Batches without end, made by processes beside a training that would have to wait for them."""

import os
from collections.abc import Iterator
from typing import Final

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .lm_data import Batch, Prompt, Speaker, batches
from .workplace import Workplace

HARD: Final = 2e6
"""Tokens after which sentences are as long and references as many as they will be."""
_TOKENS: Final = {"cpu": 3000, "cuda": 24_000}
_APART: Final = 1_000_003
"""Between the seeds of two processes."""


class Pools(IterableDataset[Batch]):
    """What one process makes: it counts the tokens of the others too, as if they were as quick as itself."""

    def __init__(self, at: Workplace, prompt: Prompt, seen: int) -> None:
        self._work, self._prompt, self._seen, self._tokens = at.root, prompt, seen, _TOKENS[at.device]

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        which, count = (worker.id, worker.num_workers) if worker else (0, 1)
        speaker, seen = Speaker(self._work, seed=self._seen + 1 + _APART * which), self._seen
        while True:
            speaker.refresh()
            for batch in batches(speaker, self._prompt, min(1.0, 0.3 + seen / HARD), self._tokens):
                seen += count * batch.inputs.numel()
                yield batch


def feed(at: Workplace, prompt: Prompt, seen: int) -> Iterator[Batch]:
    """Begins at once where a GPU trains; on a CPU the training makes them itself."""
    workers = 0 if at.device == "cpu" else max(1, (os.cpu_count() or 2) // 2)
    return iter(DataLoader(Pools(at, prompt, seen), batch_size=None, num_workers=workers))
