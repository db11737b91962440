"""Speaks parts as a pipeline of Ray Data: batches of parts go through replicas of the models, into a folder."""

import logging
import math
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.data import ActorPoolStrategy

from cli.batch.studio import Studio
from deployments.errors import ServiceError
from deployments.jobs.speaker import PartOrder
from deployments.jobs.store import PartStore
from deployments.profiles import Profile
from deployments.settings import Settings


def speak(
    parts: Mapping[str, PartOrder], folder: Path, profile: Profile, settings: Settings, replicas: int
) -> Iterator[tuple[str, str | None]]:
    """Speaks those parts that a folder lacks; yields the key of each, and why it could not be spoken.

    Args:
        parts: What to speak, by keys.
        folder: A `PartStore`. All nodes see it at this path.
        profile: Models of a replica.
        settings: The service's.
        replicas: Number of replicas.
    """
    store = PartStore(folder)
    missing = [{"key": key, "order": pickle.dumps(order)} for key, order in parts.items() if store.seconds(key) is None]
    if not missing:
        return
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = ray.data.from_items(missing, override_num_blocks=math.ceil(len(missing) / profile.takes))
    spoken = rows.map_batches(
        SpeakParts,
        fn_constructor_args=(profile, settings, folder),
        batch_size=profile.takes,
        compute=ActorPoolStrategy(size=replicas),
        **resources(profile),
    )
    for row in spoken.iter_rows():
        yield row["key"], row["error"] or None


def resources(profile: Profile) -> dict[str, Any]:
    """Returns what a replica occupies: its models share a GPU."""
    return {"num_cpus": profile.llasa_cpus + profile.xcodec2_cpus, "num_gpus": 1 if profile.device == "cuda" else 0}


class SpeakParts:
    """A replica."""

    def __init__(self, profile: Profile, settings: Settings, folder: Path) -> None:
        self._studio = Studio(profile, settings)
        self._store = PartStore(folder)

    def __call__(self, batch: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        """Speaks the parts of a batch, and stores them."""
        # The orders were made by this program: see `speak`.
        orders: list[PartOrder] = [pickle.loads(order) for order in batch["order"]]  # noqa: S301
        errors = []
        for key, recorded in zip(batch["key"], self._studio.record(orders), strict=True):
            if isinstance(recorded, ServiceError):
                errors.append(recorded.message)
            else:
                self._store.write(str(key), recorded.flac)
                errors.append("")
        return {"key": batch["key"], "error": np.array(errors)}
