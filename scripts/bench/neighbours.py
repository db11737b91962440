"""How much of the machine others used while something was measured: figures taken in company mean little."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass
class Neighbours:
    """Cores that were busy on average, ours and others'; known once the measurement is over."""

    ours: float = 0.0
    """With all child processes."""
    others: float = 0.0


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Watches while the context lasts. Processes of ours that end meanwhile count as others'."""
    found = Neighbours()
    begin, busy, own = time.perf_counter(), _busy(), _own()
    yield found
    wall = time.perf_counter() - begin
    found.ours = sum(seconds - own.get(pid, 0.0) for pid, seconds in _own().items()) / wall
    found.others = max(0.0, (_busy() - busy) / wall - found.ours)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _own() -> dict[int, float]:
    """CPU seconds of this process and its descendants."""
    me = psutil.Process()
    seconds = {}
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds[process.pid] = times.user + times.system
    return seconds
