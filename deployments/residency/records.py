"""Records about the models that the whole cluster shares: orders, observations, and holds."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Protocol

from deployments.residency.decision import ModelOverrides, Wish
from deployments.residency.holds import HEARTBEAT_S

_LIFE_OF_A_HOLD_S: Final = 3 * HEARTBEAT_S
"""Seconds of silence after which a process counts as dead and holds nothing."""


class Store(Protocol):
    """Stores texts by key, for all processes of the cluster."""

    def get(self, key: str) -> str | None:
        """Returns the text of a key, or None."""
        ...

    def put(self, key: str, text: str) -> None:
        """Replaces the text of a key."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """Returns all keys with the prefix."""
        ...


@dataclass(frozen=True, slots=True)
class Observation:
    """What a model's policy has seen and done; times are seconds of the epoch."""

    timeout_s: float
    idle_since: float
    offloaded: float
    """Time of the last unload order that has been carried out."""
    ongoing: float
    queued: float
    wish: Wish = field(default_factory=Wish)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a replica's model is."""

    gpu: str | None = None
    """UUID; None on a CPU."""
    state: Literal["loading", "ready", "asleep", "failed"] = "ready"


@dataclass(frozen=True, slots=True)
class Load:
    """Result of the last attempt to load a model."""

    seconds: float | None = None
    failure: str | None = None
    folder: str | None = None
    """Folder of its checkpoint, on the node of the replica."""
    wake_seconds: float | None = None
    """Duration of the last wake."""


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
        return Observation(**(found | {"wish": Wish(**found["wish"])})) if found else None

    def observe(self, model: str, observation: Observation) -> None:
        self._put(f"observed/{model}", asdict(observation))

    def load(self, model: str) -> Load:
        return Load(**self._get(f"load/{model}"))

    def loaded(self, model: str, load: Load) -> None:
        self._put(f"load/{model}", asdict(load))

    def place(self, replica: str) -> Place:
        return Place(**self._get(f"replica/{replica}"))

    def placed(self, replica: str, place: Place) -> None:
        self._put(f"replica/{replica}", asdict(place))

    def hold(self, process: str, models: Sequence[str]) -> None:
        self._put(f"holds/{process}", {"models": list(models), "at": time.time()})

    def is_held(self, model: str) -> bool:
        """Whether any living process needs the model."""
        records = [self._get(key) for key in self._store.keys("holds/")]
        now = time.time()
        return any(model in record["models"] and now - record["at"] < _LIFE_OF_A_HOLD_S for record in records)

    def _get(self, key: str) -> dict[str, Any]:
        text = self._store.get(key)
        record: dict[str, Any] = json.loads(text) if text else {}
        return record

    def _put(self, key: str, record: dict[str, Any]) -> None:
        self._store.put(key, json.dumps(record))
