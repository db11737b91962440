"""Decides when models are loaded: an autoscaling policy for Serve, which follows orders in Ray's key-value store."""

import time
from typing import Any, Final

from ray.serve.config import AutoscalingContext
from ray.util import metrics

from deployments.residency.cluster_store import ClusterStore
from deployments.residency.decision import ModelOverrides, Replicas, Wish, desired_replicas
from deployments.residency.metrics import GAUGES
from deployments.residency.records import Observation, Records

_REFRESH_S: Final = 0.5
"""Maximum age of the policy's view of its orders. Serve calls it ten times a second, for every model."""


class ResidencyPolicy:
    """Serve's autoscaling policy for a model: up when a request waits, out by load, asleep when idle, then to zero.

    Serve itself starts the first replica when a request waits and none is up, and a request wakes a replica that
    sleeps; everything else is decided here.

    Args:
        timeout_s: Seconds without a request after which the model falls asleep, unless an order overrides it.
        release_s: Seconds asleep after which it is unloaded; with 0 it is unloaded instead of falling asleep.
    """

    def __init__(self, timeout_s: float, release_s: float) -> None:
        self._timeout_s = timeout_s
        self._release_s = release_s
        self._records = Records(ClusterStore())
        self._orders = ModelOverrides()
        self._held = False
        self._asleep = set[str]()
        self._idle_since = time.time()
        self._offloaded = 0.0
        self._wish = Wish()
        self._next_refresh = 0.0
        self._gauges = [gauge.of(metrics) for gauge in GAUGES]

    def __call__(self, ctx: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Returns the replicas wanted, and the state for the next call."""
        now = time.time()
        if refreshed := now >= self._next_refresh:
            self._next_refresh = now + _REFRESH_S
            self._refresh(ctx)
        wanted, state = desired_replicas(
            self._orders,
            dict(ctx.policy_state),
            now=now,
            timeout_s=self._timeout_s if self._orders.timeout_s is None else self._orders.timeout_s,
            release_s=self._release_s,
            replicas=Replicas(
                ctx.current_num_replicas, sum(replica.unique_id in self._asleep for replica in ctx.running_replicas)
            ),
            demand=float(ctx.total_num_requests),
            held=self._held,
            target=float(ctx.config.target_ongoing_requests) if ctx.config else 1.0,
        )
        self._idle_since, self._offloaded = state["idle_since"], state["offloaded"]
        if state["wish"] != self._wish:
            self._wish = state["wish"]
            self._observe(ctx)
        if refreshed:
            idle = max(0.0, now - self._idle_since) if ctx.current_num_replicas else 0.0
            values = (ctx.current_num_replicas, wanted, ctx.total_num_requests, idle, len(self._asleep))
            for gauge, value in zip(self._gauges, values, strict=True):
                gauge.set(float(value), {"model": ctx.deployment_name})
        return wanted, state

    def _refresh(self, ctx: AutoscalingContext) -> None:
        model = ctx.deployment_name
        self._orders = self._records.orders(model)
        # Before the holds: then a replica that work has woken is never seen awake without the hold of that work.
        self._asleep = {
            replica.unique_id
            for replica in ctx.running_replicas
            if self._records.place(replica.unique_id).state == "asleep"
        }
        self._held = self._records.is_held(model)
        self._observe(ctx)

    def _observe(self, ctx: AutoscalingContext) -> None:
        observation = Observation(
            timeout_s=self._timeout_s,
            idle_since=self._idle_since,
            offloaded=self._offloaded,
            ongoing=float(ctx.total_num_requests),
            queued=float(ctx.total_queued_requests or 0),
            wish=self._wish,
        )
        self._records.observe(ctx.deployment_name, observation)
