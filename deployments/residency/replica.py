"""What a replica does for the residency of its model: it records what happens to it, and follows its policy."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.util import metrics

from deployments.placement.model_loader import LoadEvent
from deployments.residency.cluster_store import ClusterStore
from deployments.residency.decision import Wish
from deployments.residency.follower import Follower, Sleeper
from deployments.residency.metrics import LOAD, LOAD_FAILURES, WAKE
from deployments.residency.records import Place, Records


def assigned_gpus() -> list[str]:
    """Returns the ids of the GPUs that Ray gave this replica."""
    return [str(gpu) for gpu in ray.get_runtime_context().get_accelerator_ids()["GPU"]]


def record_event(model: str, event: LoadEvent, folder: Path | None, gpu: str | None = None) -> None:
    """Records, in a replica, what has happened to its model.

    Args:
        model: Its name.
        event: What has happened.
        folder: Folder of the checkpoint.
        gpu: UUID of the GPU.
    """
    records = Records(ClusterStore())
    records.placed(serve.get_replica_context().replica_id.unique_id, Place(gpu, event.state))
    if event.seconds is not None:
        _count_load(model, event)
        load = replace(records.load(model), failure=event.failure, folder=str(folder) if folder else None)
        seconds = None if event.failure else event.seconds
        records.loaded(model, replace(load, wake_seconds=seconds) if event.woken else replace(load, seconds=seconds))


def follow_policy(model: str, sleeper: Sleeper) -> Follower:
    """Starts, in a replica, to let its model sleep and wake as the policy wishes; returns what ends it."""
    records = Records(ClusterStore())

    def wish() -> Wish:
        observation = records.observation(model)
        return observation.wish if observation else Wish()

    follower = Follower(sleeper, wish)
    follower.start()
    return follower


def _count_load(model: str, event: LoadEvent) -> None:
    loads, failures, wakes = _load_metrics()
    if event.failure:
        failures.inc(1, {"model": model})
    else:
        (wakes if event.woken else loads).observe(max(event.seconds or 0, 1e-3), {"model": model})


@cache
def _load_metrics() -> tuple[Any, Any, Any]:
    """Returns the metrics, created once per process."""
    return LOAD.of(metrics), LOAD_FAILURES.of(metrics), WAKE.of(metrics)
