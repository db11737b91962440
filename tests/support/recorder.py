"""Metrics that remember."""

from collections import defaultdict

from deployments.service.metrics import METRICS

KINDS = {metric.name: metric for metric in METRICS}


class Recorder:
    """`Metrics` that holds what it was told to what `METRICS` declares."""

    def __init__(self) -> None:
        self.counts = defaultdict[tuple[str, ...], float](float)
        self.gauges: dict[str, list[float]] = defaultdict(list)
        self.observed: dict[str, list[float]] = defaultdict(list)

    def count(self, name: str, value: float = 1, **tags: str) -> None:
        assert KINDS[name].kind == "counter"
        assert set(tags) == set(KINDS[name].tags)
        self.counts[(name, *tags.values())] += value

    def gauge(self, name: str, value: float, **tags: str) -> None:
        assert KINDS[name].kind == "gauge"
        assert set(tags) == set(KINDS[name].tags)
        self.gauges[name].append(value)

    def observe(self, name: str, value: float) -> None:
        assert KINDS[name].kind == "histogram"
        self.observed[name].append(value)
