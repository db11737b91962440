"""Runs the steps of `Slots` on a GPU at once; their CUDA graphs come later, as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import torch

from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots
from deployments.llasa.steps import GraphSizes, Tokens

_EAGER: Final = 2
"""Steps of a size before its capture, in which libraries allocate their work space and choose kernels."""

Step = Callable[[], torch.Tensor]
"""Advances a batch; returns its tokens by slot: a buffer that the next step overwrites."""


class LateSteps:
    """Computes the same steps as `GraphSteps`: the first ones of a size eagerly, and the others by its graph.

    All captures take seconds, in which a model that has just woken can already speak. One takes a tenth of a second.

    Args:
        slots: What to advance. On a CPU nothing is captured: so a CPU tests it.
    """

    def __init__(self, slots: Slots) -> None:
        self.lag = 1
        self.path = f"steps on {slots.device}, captured after {_EAGER} eager ones of the same size"
        self._slots = slots
        self._sizes = GraphSizes(slots)
        self._eager = dict.fromkeys(self._sizes, _EAGER)
        """Eager steps left, of each size that has not been captured."""
        self._captured: dict[tuple[int, int], Step] = {}
        self._stream: torch.cuda.Stream | None = None
        if slots.device.type == "cuda":
            self._stream = torch.cuda.Stream()
            self._pool = torch.cuda.graph_pool_handle()
            # Two host buffers: one is read while the next step's tokens are copied to the other.
            self._host = [torch.zeros(slots.count, dtype=torch.int64, pin_memory=True) for _ in range(self.lag + 1)]
            torch.cuda.synchronize()  # weights and buffers were filled in another stream

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        """Starts a step: see `Steps.run`."""
        made = self._advance(self._sizes.fit(lengths))
        if self._stream is None:
            return made.clone().tolist
        host = self._host.pop(0)
        self._host.append(host)
        host[: len(made)].copy_(made, non_blocking=True)
        event = torch.cuda.Event()
        event.record()

        def tokens() -> list[int]:
            event.synchronize()
            return host[: len(lengths)].tolist()

        return tokens

    def prepare(self) -> bool:
        """Captures one more size, the largest, while all slots are empty. Returns false if none is left."""
        size = next(iter(self._eager), None)
        if size is None:
            return False
        while size in self._eager:
            self._advance(size)
        return True

    @contextmanager
    def context(self) -> Iterator[None]:
        """The mode in which the engine's thread computes."""
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            yield

    def _advance(self, size: tuple[int, int]) -> torch.Tensor:
        if (captured := self._captured.get(size)) is not None:
            return captured()
        step = partial(self._slots.step, *size, Features())
        if self._eager[size]:
            self._eager[size] -= 1
            return step()
        del self._eager[size]
        self._captured[size] = captured = self._capture(step)  # this does not run it
        return captured()

    def _capture(self, step: Step) -> Step:
        if self._stream is None:
            return step
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            output = step()

        def replay() -> torch.Tensor:
            graph.replay()
            return output

        return replay
