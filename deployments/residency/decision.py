"""Decides how many replicas of a model should run, from its overrides and its load."""

import math
from dataclasses import dataclass
from typing import Any, Final

_SPARE_S: Final = 60.0
"""Seconds that a superfluous replica stays: starting it took about as long, and loads fluctuate."""


@dataclass(frozen=True, slots=True)
class ModelOverrides:
    """Overrides of a model's policy; times are seconds of the epoch."""

    timeout_s: float | None = None
    """None: as configured."""
    offload_at: float = 0.0
    warm_at: float = 0.0
    pin: bool = False


def desired_replicas(
    orders: ModelOverrides,
    state: dict[str, Any],
    *,
    now: float,
    timeout_s: float,
    running: int,
    demand: float,
    held: bool,
    target: float,
) -> tuple[int, dict[str, Any]]:
    """Computes the policy as a pure function.

    Args:
        orders: The model's overrides.
        state: Result of the last decision; empty at first.
        now: Seconds of the epoch.
        timeout_s: Idle seconds before the model is unloaded.
        running: Replicas that are up.
        demand: Requests in the model or queued for it.
        held: Whether work in progress needs the model, even if it uses other models now.
        target: Requests per replica.

    Returns:
        Replicas wanted and the new state: since when the model is idle, and which orders have been carried out.
    """
    # Orders older than the first look of this policy predate a controller restart; ignore them.
    state.setdefault("offloaded", orders.offload_at)
    state.setdefault("warmed", orders.warm_at)
    # Serve does not call this while the first replica starts: that time must not count as idle.
    if running == 0 or demand > 0 or held or not state.get("up"):
        state["idle_since"] = now
    state["up"] = running > 0
    if running == 0:
        state["offloaded"] = orders.offload_at
        return int(orders.pin or orders.warm_at > max(state["warmed"], orders.offload_at)), state
    if orders.offload_at <= state["offloaded"]:
        state["warmed"] = orders.warm_at
    elif not held:
        return 0, state  # Serve lets running requests finish
    busy = demand > 0 or held or orders.pin
    wanted = max(int(busy or now - state["idle_since"] < timeout_s), math.ceil(demand / target))
    if wanted >= running:
        state["filled_at"] = now
    elif wanted and now - state.setdefault("filled_at", now) < _SPARE_S:
        wanted = running
    return wanted, state
