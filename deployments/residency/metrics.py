"""Metrics of the models."""

from typing import Final

from deployments.metric import Metric

GAUGES: Final = (
    Metric("model_replicas", "gauge", "Running replicas of a model.", ("model",)),
    Metric("model_replicas_wanted", "gauge", "Target number of replicas of a model.", ("model",)),
    Metric("model_requests", "gauge", "Requests that a model processes or has queued.", ("model",)),
    Metric("model_idle_s", "gauge", "Seconds for which a loaded model has been idle.", ("model",)),
    Metric("model_replicas_asleep", "gauge", "Replicas of a model that sleep in host memory.", ("model",)),
)
"""Set by the policies."""
LOAD: Final = Metric(
    "model_load_s",
    "histogram",
    "Seconds that a replica needed to load its model.",
    ("model",),
    (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
)
LOAD_FAILURES: Final = Metric("model_load_failures_total", "counter", "Failed loads and wakes of a model.", ("model",))
WAKE: Final = Metric(
    "model_wake_s",
    "histogram",
    "Seconds that a sleeping model needed to return from host memory.",
    ("model",),
    (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
)
METRICS: Final = (*GAUGES, LOAD, LOAD_FAILURES, WAKE)
