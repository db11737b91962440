"""What is known of the models in all of the cluster: orders, observations, and who needs which."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from deployments.residency.decision import ModelOverrides
from deployments.residency.holds import HEARTBEAT_S

_LIFE_OF_A_HOLD_S: Final = 3 * HEARTBEAT_S
"""A process that has been silent for so long holds nothing: it has died."""


class Store(Protocol):
    """Keeps texts under keys, for all processes of the cluster."""

    def get(self, key: str) -> str | None:
        """What was put there; None: nothing."""
        ...

    def put(self, key: str, text: str) -> None:
        """Replaces what is there."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin so."""
        ...


@dataclass(frozen=True, slots=True)
class Observation:
    """What a model's policy has seen and done; times are seconds of the epoch."""

    timeout_s: float
    idle_since: float
    offloaded: float
    """The time of the last order to unload that has been carried out."""
    ongoing: float
    queued: float


@dataclass(frozen=True, slots=True)
class Load:
    """How the last try to load a model went."""

    seconds: float | None = None
    failure: str | None = None
    folder: str | None = None
    """Of its checkpoint, on the node of the replica."""


class Records:
    """Typed records over a store; the latest write of each counts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def orders(self, model: str) -> ModelOverrides:
        return ModelOverrides(**self._get(f"orders/{model}"))

    def order(self, model: str, **changes: Any) -> None:
        self._put(f"orders/{model}", asdict(replace(self.orders(model), **changes)))

    def observation(self, model: str) -> Observation | None:
        found = self._get(f"observed/{model}")
        return Observation(**found) if found else None

    def observe(self, model: str, observation: Observation) -> None:
        self._put(f"observed/{model}", asdict(observation))

    def load(self, model: str) -> Load:
        return Load(**self._get(f"load/{model}"))

    def loaded(self, model: str, load: Load) -> None:
        self._put(f"load/{model}", asdict(load))

    def gpu(self, replica: str) -> str | None:
        gpu: str | None = self._get(f"replica/{replica}").get("gpu")
        return gpu

    def placed(self, replica: str, gpu: str | None) -> None:
        self._put(f"replica/{replica}", {"gpu": gpu})

    def hold(self, process: str, models: Sequence[str]) -> None:
        self._put(f"holds/{process}", {"models": list(models), "at": time.time()})

    def is_held(self, model: str) -> bool:
        """Whether any process that is alive needs the model."""
        records = [self._get(key) for key in self._store.keys("holds/")]
        now = time.time()
        return any(model in record["models"] and now - record["at"] < _LIFE_OF_A_HOLD_S for record in records)

    def _get(self, key: str) -> dict[str, Any]:
        text = self._store.get(key)
        record: dict[str, Any] = json.loads(text) if text else {}
        return record

    def _put(self, key: str, record: dict[str, Any]) -> None:
        self._store.put(key, json.dumps(record))
