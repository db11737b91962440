"""Runs the steps of `Slots`: eagerly on a CPU, as captured CUDA graphs on a GPU."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import torch

from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots

Tokens = Callable[[], list[int]]
"""Returns the tokens of a step by slot; waits until it has been computed."""

_TRIALS: Final = 4
"""Steps by which a number of threads is chosen."""
_WARM_UPS: Final = 2
"""Steps before a capture, in which libraries allocate their work space and choose kernels."""


class Steps(Protocol):
    """A way to run steps."""

    lag: int
    """Steps that may be running while their predecessor's tokens are read."""
    path: str
    """Description for logs and benchmarks."""

    def reach(self, slots: int) -> int:
        """Returns how many slots a step of so many advances: at least these."""
        ...

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
        self._sizes = graph_sizes(slots.count) if as_graphs else None

    def reach(self, slots: int) -> int:
        return _fitting(self._sizes, slots) if self._sizes else slots

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        if self._sizes:
            return self._slots.step(self.reach(len(lengths)), None, Features()).clone().tolist
        return self._slots.step(len(lengths), lengths, features).tolist

    @contextmanager
    def context(self) -> Iterator[None]:
        threads = torch.get_num_threads()
        try:
            with torch.inference_mode():
                torch.set_num_threads(self._fastest(threads))
                yield
        finally:
            torch.set_num_threads(threads)

    def _fastest(self, threads: int) -> int:
        """Returns 1 if steps are no slower with one thread: small operations take longer to share than to compute.

        To be called in the engine's thread. One that is not the process's first pays three times as much for sharing.
        """
        if threads == 1 or self._slots.device.type != "cpu":
            return threads
        return min((1, threads), key=self._seconds)

    def _seconds(self, threads: int) -> float:
        torch.set_num_threads(threads)
        seconds = []
        for _ in range(_TRIALS):
            begin = time.perf_counter()
            self._slots.step(1, [self._slots.window // 4], Features())
            seconds.append(time.perf_counter() - begin)
        return min(seconds)


def graph_sizes(slots: int) -> list[int]:
    """Returns the batches of captured steps: powers of two, and all slots."""
    return [*(2**n for n in range(slots.bit_length()) if 2**n < slots), slots]


class GraphSteps:
    """Replays steps captured as CUDA graphs, one for each of `graph_sizes`.

    Args:
        slots: What to advance; all empty.
    """

    def __init__(self, slots: Slots) -> None:
        self.lag = 1
        self._sizes = graph_sizes(slots.count)
        self._stream = torch.cuda.Stream()
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._outputs: dict[int, torch.Tensor] = {}
        # Two host buffers: one is read while the next step's tokens are copied to the other.
        self._host = [torch.zeros(slots.count, dtype=torch.int64, pin_memory=True) for _ in range(self.lag + 1)]
        torch.cuda.synchronize()  # weights and buffers were filled in another stream
        with self.context():
            pool = torch.cuda.graph_pool_handle()
            for batch in reversed(self._sizes):  # the others fit into the memory of the largest
                for _ in range(_WARM_UPS):
                    slots.step(batch, None, Features())
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, pool=pool, stream=self._stream):
                    self._outputs[batch] = slots.step(batch, None, Features())
                self._graphs[batch] = graph
            torch.cuda.synchronize()
        self.path = f"{len(self._graphs)} CUDA graphs, {slots.attention}"

    def reach(self, slots: int) -> int:
        return _fitting(self._sizes, slots)

    def run(self, lengths: Sequence[int], features: Features) -> Tokens:
        batch = self.reach(len(lengths))
        self._graphs[batch].replay()
        host = self._host.pop(0)
        self._host.append(host)
        host[:batch].copy_(self._outputs[batch], non_blocking=True)
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


def _fitting(sizes: Sequence[int], slots: int) -> int:
    return sizes[bisect_left(sizes, slots)]


def fastest_steps(slots: Slots) -> Steps:
    """Returns the fastest way on the slots' device; on a GPU it captures the graphs."""
    return GraphSteps(slots) if slots.device.type == "cuda" else EagerSteps(slots)
