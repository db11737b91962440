"""How many replicas of a model there are to be: what it has been told, and what follows."""

import math
from dataclasses import dataclass
from typing import Any, Final

_SPARE_S: Final = 60.0
"""How long a replica that the load no longer needs stays: it took about as long to come, and loads waver."""


@dataclass(frozen=True, slots=True)
class ModelOverrides:
    """What a model has been told; times are seconds of the epoch."""

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
    """The policy without its surroundings.

    Args:
        orders: The model's.
        state: What the last decision returned; empty at first.
        now: Seconds of the epoch.
        timeout_s: Idle seconds that a model is given.
        running: Replicas that are up.
        demand: Requests in the model or before it.
        held: Whether work in progress needs the model, be it at other models now.
        target: Requests that a replica should have.

    Returns:
        Replicas wanted and the new state: since when the model is idle, and which orders have been carried out.
    """
    # Orders given before this policy first looked are of another life: the controller has been started anew.
    state.setdefault("offloaded", orders.offload_at)
    state.setdefault("warmed", orders.warm_at)
    # Serve does not ask while the first replica starts: the load must not count as idleness.
    if running == 0 or demand > 0 or held or not state.get("up"):
        state["idle_since"] = now
    state["up"] = running > 0
    if running == 0:
        state["offloaded"] = orders.offload_at
        return int(orders.pin or orders.warm_at > max(state["warmed"], orders.offload_at)), state
    if orders.offload_at <= state["offloaded"]:
        state["warmed"] = orders.warm_at
    elif not held:
        return 0, state  # Serve lets what runs end
    busy = demand > 0 or held or orders.pin
    wanted = max(int(busy or now - state["idle_since"] < timeout_s), math.ceil(demand / target))
    if wanted >= running:
        state["filled_at"] = now
    elif wanted and now - state.setdefault("filled_at", now) < _SPARE_S:
        wanted = running
    return wanted, state
