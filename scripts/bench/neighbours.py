"""Measures the load of other processes during a measurement, which would distort it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass
class Neighbours:
    """Average number of busy cores, ours and others'; known after the measurement."""

    ours: float = 0.0
    """Including all child processes."""
    others: float = 0.0


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Measures while the context lasts. Our processes that end meanwhile count as others'."""
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
    """Returns CPU seconds of this process and its descendants."""
    me = psutil.Process()
    seconds = {}
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds[process.pid] = times.user + times.system
    return seconds
