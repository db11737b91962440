"""Decides how many replicas of a model should run, and whether they sleep, from its overrides and its load."""

import math
from dataclasses import dataclass
from typing import Any, Final

_SPARE_S: Final = 60.0
"""Seconds that a superfluous replica stays: starting it took about as long, and loads fluctuate."""
_AGAIN_S: Final = 1.0
"""Seconds after which a wish that a replica has not followed, perhaps because it is new, is published again."""


@dataclass(frozen=True, slots=True)
class ModelOverrides:
    """Overrides of a model's policy; times are seconds of the epoch."""

    timeout_s: float | None = None
    """None: as configured."""
    offload_at: float = 0.0
    release_at: float = 0.0
    warm_at: float = 0.0
    pin: bool = False

    @property
    def unload_at(self) -> float:
        """Time of the last order to leave the GPU, to either place."""
        return max(self.offload_at, self.release_at)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the policy wants of the running replicas. Each is followed once."""

    at: float = 0.0
    asleep: bool = False


@dataclass(frozen=True, slots=True)
class Replicas:
    """The replicas of a model that are up."""

    running: int = 0
    asleep: int = 0

    @property
    def all_asleep(self) -> bool:
        return self.running > 0 and self.asleep == self.running


def desired_replicas(
    orders: ModelOverrides,
    state: dict[str, Any],
    *,
    now: float,
    timeout_s: float,
    release_s: float,
    replicas: Replicas,
    demand: float,
    held: bool,
    target: float,
) -> tuple[int, dict[str, Any]]:
    """Computes the policy as a pure function.

    Args:
        orders: The model's overrides.
        state: Result of the last decision; empty at first.
        now: Seconds of the epoch.
        timeout_s: Idle seconds before the model falls asleep.
        release_s: Seconds asleep before it is unloaded; with 0 it is unloaded instead of falling asleep.
        replicas: Its replicas.
        demand: Requests in the model or queued for it.
        held: Whether work in progress needs the model, even if it uses other models now.
        target: Requests per replica.

    Returns:
        Replicas wanted and the new state: since when the model is idle and asleep, which orders have been carried out,
        and the latest wish.
    """
    # Orders older than the first look of this policy predate a controller restart; ignore them.
    state.setdefault("offloaded", orders.unload_at)
    state.setdefault("warmed", orders.warm_at)
    state.setdefault("wish", Wish())
    running, busy = replicas.running, demand > 0 or held or orders.pin
    # Serve does not call this while the first replica starts: that time must not count as idle.
    if running == 0 or demand > 0 or held or not state.get("up"):
        state["idle_since"] = now
    state["up"] = running > 0
    if not replicas.all_asleep:
        state["asleep_since"] = now
    if running == 0:
        state["offloaded"] = orders.unload_at
        return int(orders.pin or orders.warm_at > max(state["warmed"], orders.unload_at)), state
    if orders.unload_at > state["offloaded"] and not held:
        if orders.release_at > state["offloaded"] or not release_s:
            return 0, state  # Serve lets running requests finish
        if not replicas.all_asleep:
            _wish(state, replicas, now, asleep=True)
            return 1, state
        state["offloaded"] = orders.offload_at
    if orders.unload_at <= state["offloaded"]:
        if replicas.all_asleep and orders.warm_at > max(state["warmed"], orders.unload_at):
            state["idle_since"] = state["asleep_since"] = now
            state["wish"] = Wish(now)
        state["warmed"] = orders.warm_at
    if busy:
        # Requests wake a model by themselves. The demand is an average over seconds, and would wake it after their end.
        if orders.pin or not replicas.all_asleep:
            _wish(state, replicas, now, asleep=False)
    elif replicas.all_asleep and now - state["asleep_since"] >= release_s:
        return 0, state
    elif now - state["idle_since"] >= timeout_s:
        if not release_s:
            return 0, state
        _wish(state, replicas, now, asleep=True)
        return 1, state
    wanted = max(1, math.ceil(demand / target))
    if wanted >= running:
        state["filled_at"] = now
    elif now - state.setdefault("filled_at", now) < _SPARE_S:
        wanted = running
    return wanted, state


def _wish(state: dict[str, Any], replicas: Replicas, now: float, *, asleep: bool) -> None:
    """Publishes a wish that is new, or that the replicas have not followed for a while."""
    last: Wish = state["wish"]
    followed = replicas.all_asleep if asleep else not replicas.all_asleep
    if last.asleep != asleep or (not followed and now - last.at >= _AGAIN_S):
        state["wish"] = Wish(now, asleep)
