"""Metrics of the models, each with the tag `model`."""

from typing import Final

from deployments.metric import Metric

GAUGES: Final = (
    Metric("model_replicas", "gauge", "Replicas of a model that are up.", ("model",)),
    Metric("model_replicas_wanted", "gauge", "Replicas of a model that should be up.", ("model",)),
    Metric("model_requests", "gauge", "Requests in a model or queued for it.", ("model",)),
    Metric("model_idle_s", "gauge", "Seconds for which a loaded model has been idle.", ("model",)),
)
"""Set by the policies."""
LOAD: Final = Metric(
    "model_load_s",
    "histogram",
    "Seconds that a replica took to load its model.",
    ("model",),
    (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
)
LOAD_FAILURES: Final = Metric("model_load_failures_total", "counter", "Failed loads of a model.", ("model",))
