"""The service's metrics as Ray's."""

from typing import Any

from ray.serve import metrics

from deployments.service.metrics import METRICS


class ServeMetrics:
    """`Metrics` in Ray's, which Prometheus sees with the prefix `ray_`."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {metric.name: metric.of(metrics) for metric in METRICS}
        self._gauges: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def count(self, name: str, value: float = 1, **tags: str) -> None:
        if value > 0:
            self._kept[name].inc(value, tags)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        self._gauges[name, tuple(tags.items())] = value
        self._kept[name].set(value, tags)

    def repeat(self) -> None:
        """Sets the gauges again: Ray does not export gauges that were not set for half a minute."""
        for (name, tags), value in list(self._gauges.items()):
            self._kept[name].set(value, dict(tags))

    def observe(self, name: str, value: float) -> None:
        self._kept[name].observe(value)
