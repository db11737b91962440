"""Derives a model's status from Serve's details of its replicas and from the records."""

import time
from typing import Any, Final

import psutil

from deployments.residency.protocol import ModelStatus, ReplicaStatus, State
from deployments.residency.records import Records

_ORDER: Final[tuple[State, ...]] = ("ready", "loading", "draining", "asleep", "failed")


class StatusReader:
    """Statuses as seen from one node.

    Args:
        records: Records of the cluster.
        node: Address of this node.
    """

    def __init__(self, records: Records, node: str) -> None:
        self._records = records
        self._node = node
        self._seen: dict[str, dict[str, dict[str, Any]]] = {}

    def status(self, model: str, replicas: list[dict[str, Any]]) -> ModelStatus:
        """Returns the status of a model, given Serve's details of its replicas."""
        observed, load, orders = (
            self._records.observation(model),
            self._records.load(model),
            self._records.orders(model),
        )
        statuses = tuple(self._replica(replica) for replica in replicas + self._lingering(model, replicas))
        states = {status.state for status in statuses}
        state: State = next((known for known in _ORDER if known in states), "unloaded")
        if state == "ready" and observed and orders.unload_at > observed.offloaded:
            state = "draining"
        now = time.time()
        return ModelStatus(
            state=state,
            replicas=statuses,
            idle_seconds=max(0.0, now - observed.idle_since) if observed and state == "ready" else None,
            timeout_seconds=orders.timeout_s if orders.timeout_s is not None else observed.timeout_s if observed else 0,
            pinned=orders.pin,
            ongoing=observed.ongoing if observed else 0,
            queued=observed.queued if observed else 0,
            last_load_seconds=load.seconds,
            last_wake_seconds=load.wake_seconds,
            failure=load.failure,
        )

    def _replica(self, replica: dict[str, Any]) -> ReplicaStatus:
        place = self._records.place(replica["replica_id"])
        states: dict[str, State] = {"RUNNING": place.state, "STOPPING": "draining"}
        return ReplicaStatus(
            replica=replica["replica_id"],
            state=states.get(replica["state"], "loading"),
            node=replica.get("node_ip") or "",
            pid=replica.get("pid"),
            gpu=place.gpu,
        )

    def _lingering(self, model: str, replicas: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns replicas that Serve has forgotten but whose processes are still ending, with memory, on this node."""
        listed = {replica["replica_id"]: replica for replica in replicas}
        known = self._seen.get(model, {}) | listed
        self._seen[model] = {name: replica for name, replica in known.items() if self._is_alive(replica)}
        return [replica | {"state": "STOPPING"} for name, replica in self._seen[model].items() if name not in listed]

    def _is_alive(self, replica: dict[str, Any]) -> bool:
        pid = replica.get("pid")
        return pid is not None and replica.get("node_ip") == self._node and psutil.pid_exists(pid)
