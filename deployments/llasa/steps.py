"""Runs the steps of `Slots`: eagerly on a CPU, as captured CUDA graphs on a GPU."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Final, Protocol

import torch

from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots

Tokens = Callable[[], list[int]]
"""Returns the tokens of a step by slot; waits until it has been computed."""

_LENGTHS: Final = (256, 512, 768, 1024, 1536, 2048)
_WARM_UPS: Final = 2
"""Steps before a capture, in which libraries allocate their work space and choose kernels."""


class Steps(Protocol):
    """A way to run steps."""

    lag: int
    """Steps that may be running while their predecessor's tokens are read."""
    path: str
    """Description for logs and benchmarks."""

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        """Starts a step of the first slots, whose takes have so many tokens with this one; 0 for an empty slot."""
        ...

    @contextmanager
    def context(self) -> Iterator[None]:
        """The mode in which the engine's thread computes."""
        ...


class EagerSteps:
    """Runs each operation when it is called.

    Args:
        slots: What to advance.
        as_graphs: Computes what `GraphSteps` captures, with its lag: so a CPU tests it.
    """

    def __init__(self, slots: Slots, *, as_graphs: bool = False) -> None:
        self.lag = int(as_graphs)
        self.path = f"eager steps on {slots.device}, attention of each take by matrix products"
        self._slots = slots
        self._sizes = GraphSizes(slots) if as_graphs else None

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        if self._sizes:
            return self._slots.step(*self._sizes.fit(lengths), Features()).clone().tolist
        return self._slots.step(len(lengths), lengths, features).tolist

    @contextmanager
    def context(self) -> Iterator[None]:
        with torch.inference_mode():
            yield


class GraphSizes:
    """The sizes of captured steps: powers of two of takes, and a few lengths."""

    def __init__(self, slots: Slots) -> None:
        self._batches = [*(2**n for n in range(slots.count.bit_length()) if 2**n < slots.count), slots.count]
        self._lengths = [*(length for length in _LENGTHS if length < slots.window), slots.window]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yields all batches and lengths, the largest first, so that the others fit into the memory of its graph."""
        return product(reversed(self._batches), reversed(self._lengths))

    def fit(self, lengths: Sequence[int]) -> tuple[int, int]:
        """Returns the smallest batch and length that hold these takes."""
        batch = self._batches[bisect_left(self._batches, len(lengths))]
        return batch, self._lengths[bisect_left(self._lengths, max(lengths))]


class GraphSteps:
    """Replays steps that were captured for every size of batch and several lengths.

    Args:
        slots: What to advance; all empty.
    """

    def __init__(self, slots: Slots) -> None:
        self.lag = 1
        self._sizes = GraphSizes(slots)
        self._stream = torch.cuda.Stream()
        self._graphs: dict[tuple[int, int], torch.cuda.CUDAGraph] = {}
        self._outputs: dict[tuple[int, int], torch.Tensor] = {}
        # Two host buffers: one is read while the next step's tokens are copied to the other.
        self._host = [torch.zeros(slots.count, dtype=torch.int64, pin_memory=True) for _ in range(self.lag + 1)]
        torch.cuda.synchronize()  # weights and buffers were filled in another stream
        with self.context():
            pool = torch.cuda.graph_pool_handle()
            for batch, length in self._sizes:
                for _ in range(_WARM_UPS):
                    slots.step(batch, length, Features())
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, pool=pool, stream=self._stream):
                    self._outputs[batch, length] = slots.step(batch, length, Features())
                self._graphs[batch, length] = graph
            torch.cuda.synchronize()
        self.path = f"{len(self._graphs)} CUDA graphs, scaled_dot_product_attention on slices of the cache"

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        size = self._sizes.fit(lengths)
        self._graphs[size].replay()
        host = self._host.pop(0)
        self._host.append(host)
        host[: size[0]].copy_(self._outputs[size], non_blocking=True)
        event = torch.cuda.Event()
        event.record()

        def tokens() -> list[int]:
            event.synchronize()
            return host[: len(lengths)].tolist()

        return tokens

    @contextmanager
    def context(self) -> Iterator[None]:
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            yield


def fastest_steps(slots: Slots) -> Steps:
    """Returns the fastest way on the slots' device; on a GPU it captures the graphs."""
    return GraphSteps(slots) if slots.device.type == "cuda" else EagerSteps(slots)
