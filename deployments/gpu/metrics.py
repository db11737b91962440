"""What is measured of the models, each by the tag `model`. Ray exports it to Prometheus with `ray_` before."""

from functools import cache
from typing import Final

from ray.util.metrics import Counter, Gauge, Histogram

GAUGES: Final = {
    "model_replicas": "Replicas of a model that are up.",
    "model_replicas_wanted": "Replicas of a model that there are to be.",
    "model_requests": "Requests in a model or before it.",
    "model_idle_s": "Seconds for which nothing has needed a model that is up.",
}
"""Set by the policies."""


class ModelGauges:
    """Those of `GAUGES`, in one process."""

    def __init__(self) -> None:
        self._gauges = {name: Gauge(name, text, ("model",)) for name, text in GAUGES.items()}

    def set(self, model: str, **values: float) -> None:
        for name, value in values.items():
            self._gauges[name].set(float(value), {"model": model})


def count_load(model: str, seconds: float, *, failed: bool) -> None:
    """Counts a try to load a model, in the replica that has made it."""
    taken, failures = load_metrics()
    if failed:
        failures.inc(1, {"model": model})
    else:
        taken.observe(max(seconds, 1e-3), {"model": model})


@cache
def load_metrics() -> tuple[Histogram, Counter]:
    """Of loads: one pair a process."""
    bounds = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300]
    return (
        Histogram("model_load_s", "Seconds that a replica took to load its model.", bounds, ("model",)),
        Counter("model_load_failures_total", "Loads of a model that have failed.", ("model",)),
    )
