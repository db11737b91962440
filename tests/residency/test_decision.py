"""The policy's decisions, with a clock of the test's own."""

from dataclasses import replace
from typing import Any

import pytest

from deployments.residency.decision import ModelOverrides, Replicas, Wish, desired_replicas


class Life:
    """A model that does at once what the policy decides."""

    def __init__(self, timeout_s: float = 10.0, orders: ModelOverrides | None = None, release_s: float = 0.0) -> None:
        self.orders = orders or ModelOverrides()
        self.timeout_s = timeout_s
        self.release_s = release_s
        self.now = 1_000.0
        self.running = 0
        self.asleep = 0
        self.state: dict[str, Any] = {}

    def step(self, seconds: float = 0.0, demand: float = 0.0, held: bool = False) -> int:
        self.now += seconds
        wish = self.state.get("wish")
        wanted, self.state = desired_replicas(
            self.orders,
            self.state,
            now=self.now,
            timeout_s=self.timeout_s,
            release_s=self.release_s,
            replicas=Replicas(self.running, self.asleep),
            demand=demand,
            held=held,
            target=4.0,
        )
        self.running = max(wanted, int(demand > 0))  # Serve itself starts the first one
        if demand > 0:
            self.asleep = 0  # the request wakes it
        elif self.state["wish"] != wish:
            self.asleep = self.running * self.state["wish"].asleep
        self.asleep = min(self.asleep, self.running)
        return wanted

    def place(self) -> str:
        return "asleep" if self.asleep else "ready" if self.running else "unloaded"

    def order(self, **changes: Any) -> None:
        self.orders = replace(self.orders, **changes)


def test_an_idle_model_leaves_after_its_timeout_and_not_before() -> None:
    model = Life(timeout_s=10)
    model.step(demand=1)
    model.step(1, demand=1)
    assert model.step(9.9) == 1
    assert model.step(0.2) == 0


def test_requests_keep_a_model_however_long_they_take() -> None:
    model = Life(timeout_s=10)
    for _ in range(5):
        assert model.step(100, demand=1) in (0, 1)
        assert model.running == 1


def test_load_brings_replicas_and_takes_them_away() -> None:
    model = Life()
    model.step(demand=1)
    assert model.step(1, demand=9) == 3
    assert model.step(1, demand=4) == 3
    assert model.step(61, demand=4) == 1


def test_a_load_that_wavers_keeps_its_replicas() -> None:
    model = Life()
    model.step(demand=1)
    model.step(1, demand=9)
    for _ in range(5):
        assert model.step(50, demand=1) == 3
        assert model.step(1, demand=9) == 3


def test_spare_replicas_do_not_outlast_the_idle_timeout_or_an_offload() -> None:
    idle, told = Life(timeout_s=10), Life()
    for model in (idle, told):
        model.step(demand=1)
        model.step(1, demand=9)
    assert idle.step(11) == 0
    told.order(offload_at=told.now)
    assert told.step(1) == 0


def test_an_offload_unloads_at_once_and_only_once() -> None:
    model = Life()
    model.step(demand=2)
    model.step(1, demand=2)
    model.order(offload_at=model.now)
    assert model.step(1, demand=2) == 0
    model.running = 0
    model.step(1)
    model.step(1, demand=1)
    assert model.step(1, demand=1) == 1


def test_work_that_needs_a_model_keeps_it_while_it_is_elsewhere() -> None:
    model = Life(timeout_s=10)
    model.step(demand=1)
    model.step(1, demand=1)
    assert model.step(100, held=True) == 1
    assert model.step(9) == 1
    assert model.step(2) == 0


def test_an_offload_waits_for_the_work_that_needs_the_model() -> None:
    model = Life()
    model.step(demand=2, held=True)
    model.order(offload_at=model.now)
    assert model.step(1, demand=2, held=True) == 1
    assert model.state["offloaded"] < model.orders.offload_at
    assert model.step(1, held=True) == 1
    assert model.step(1) == 0
    model.step(1)
    assert model.state["offloaded"] == model.orders.offload_at


def test_an_offload_of_an_unloaded_model_is_done_already() -> None:
    model = Life()
    model.order(offload_at=model.now)
    assert model.step() == 0
    model.step(1, demand=1)
    assert model.step(1, demand=1) == 1


def test_a_warm_model_comes_up_and_goes_when_nobody_uses_it() -> None:
    model = Life(timeout_s=10)
    model.step()
    model.order(warm_at=model.now)
    assert model.step(1) == 1
    assert model.step(1) == 1
    assert model.step(20) == 0
    assert model.step(1) == 0


def test_an_offload_that_comes_before_the_warmed_model_keeps_it_away() -> None:
    model = Life()
    model.step()
    model.order(warm_at=model.now)
    model.order(offload_at=model.now + 1)
    assert model.step(2) == 0
    assert model.step(1) == 0


def test_a_model_warmed_after_an_offload_that_still_waits_for_work_comes_back() -> None:
    model = Life()
    model.step(demand=1, held=True)
    model.order(offload_at=model.now)
    assert model.step(1, demand=1, held=True) == 1
    model.order(warm_at=model.now)
    assert model.step(1, demand=1, held=True) == 1
    assert model.step(1) == 0
    assert model.step(1) == 1


def test_a_pinned_model_stays_until_it_is_offloaded() -> None:
    model = Life(timeout_s=10, orders=ModelOverrides(pin=True))
    assert model.step() == 1
    assert model.step(10_000) == 1
    model.order(pin=False, offload_at=model.now)
    assert model.step(1) == 0


def test_a_changed_timeout_counts_from_the_last_request() -> None:
    model = Life(timeout_s=1_000)
    model.step(demand=1)
    model.step(1, demand=1)
    assert model.step(20) == 1
    model.timeout_s = 10
    assert model.step(0.1) == 0


def test_orders_from_before_the_controllers_restart_are_not_carried_out_again() -> None:
    model = Life(orders=ModelOverrides(offload_at=900.0, warm_at=950.0))
    model.running = 1
    assert model.step(demand=1) == 1
    cold = Life(orders=ModelOverrides(offload_at=900.0, warm_at=950.0))
    assert cold.step() == 0


@pytest.fixture
def sleeper() -> Life:
    """A model that sleeps, and has been used before."""
    model = Life(timeout_s=10, release_s=100)
    model.step(demand=1)
    model.step(1, demand=1)
    assert model.step(11) == 1
    assert model.place() == "asleep"
    return model


def test_an_idle_model_falls_asleep_and_is_unloaded_later(sleeper: Life) -> None:
    assert (sleeper.step(99), sleeper.place()) == (1, "asleep")
    assert (sleeper.step(2), sleeper.place()) == (0, "unloaded")


def test_a_request_wakes_a_sleeper_and_its_timeouts_begin_again(sleeper: Life) -> None:
    assert (sleeper.step(99, demand=1), sleeper.place()) == (1, "ready")
    assert (sleeper.step(9), sleeper.place()) == (1, "ready")
    assert (sleeper.step(2), sleeper.place()) == (1, "asleep")
    assert (sleeper.step(99), sleeper.place()) == (1, "asleep")


def test_demand_that_is_an_average_of_the_past_does_not_wake_a_model_that_has_just_fallen_asleep() -> None:
    model = Life(release_s=100)
    model.step(demand=1)
    model.step(1, demand=1)
    model.order(offload_at=model.now)
    for _ in range(4):
        model.step(1, demand=0.5)
        model.asleep = 1
        assert model.state["wish"].asleep
    assert model.state["offloaded"] == model.orders.offload_at


def test_an_offload_lets_a_model_sleep_and_is_done_then() -> None:
    model = Life(release_s=100)
    model.step(demand=1)
    model.step(1, held=True)
    model.order(offload_at=model.now)
    assert (model.step(1, held=True), model.place()) == (1, "ready")
    assert (model.step(1), model.place()) == (1, "asleep")
    assert model.state["offloaded"] < model.orders.offload_at
    model.step(0.1)
    assert model.state["offloaded"] == model.orders.offload_at
    assert (model.step(1, demand=1), model.place()) == (1, "ready")
    assert (model.step(1), model.place()) == (1, "ready")


def test_an_offload_of_a_sleeper_is_done_already(sleeper: Life) -> None:
    sleeper.order(offload_at=sleeper.now)
    assert (sleeper.step(1), sleeper.place()) == (1, "asleep")
    assert sleeper.state["offloaded"] == sleeper.orders.offload_at


def test_an_offload_keeps_one_of_several_replicas_asleep() -> None:
    model = Life(release_s=100)
    model.step(demand=1)
    assert model.step(1, demand=9) == 3
    model.order(offload_at=model.now)
    assert (model.step(1), model.asleep) == (1, 1)


@pytest.mark.parametrize("asleep", [True, False])
def test_a_release_ends_the_process_awake_or_asleep(sleeper: Life, asleep: bool) -> None:
    if not asleep:
        sleeper.step(1, demand=1)
    sleeper.order(release_at=sleeper.now)
    assert (sleeper.step(1), sleeper.place()) == (0, "unloaded")
    sleeper.step(1)
    assert sleeper.state["offloaded"] == sleeper.orders.release_at


def test_a_release_is_carried_out_although_an_offload_follows_it(sleeper: Life) -> None:
    sleeper.order(release_at=sleeper.now, offload_at=sleeper.now + 1)
    assert sleeper.step(2) == 0


@pytest.mark.parametrize("pin", [False, True])
def test_warming_wakes_a_sleeper_once(sleeper: Life, pin: bool) -> None:
    sleeper.step(99)
    sleeper.order(warm_at=sleeper.now, pin=pin)
    assert (sleeper.step(1), sleeper.place()) == (1, "ready")
    assert (sleeper.step(9), sleeper.place()) == (1, "ready")
    assert (sleeper.step(2), sleeper.place()) == (1, "ready" if pin else "asleep")


def test_a_model_warmed_after_an_offload_under_way_wakes_again() -> None:
    model = Life(release_s=100)
    model.step(demand=1)
    model.step(1, held=True)
    model.order(offload_at=model.now)
    model.step(1, held=True)
    model.order(warm_at=model.now)
    assert (model.step(1), model.place()) == (1, "asleep")
    assert (model.step(1), model.place()) == (1, "ready")


def test_an_offload_after_warming_keeps_a_sleeper_asleep(sleeper: Life) -> None:
    sleeper.order(warm_at=sleeper.now)
    sleeper.order(offload_at=sleeper.now + 1)
    assert (sleeper.step(2), sleeper.place()) == (1, "asleep")
    assert (sleeper.step(1), sleeper.place()) == (1, "asleep")


def test_a_wish_that_no_replica_follows_is_published_again() -> None:
    model = Life(timeout_s=10, release_s=100)
    model.step(demand=1)
    model.step(1, demand=1)
    model.step(11)
    first = model.state["wish"]
    model.asleep = 0  # another process has taken its place
    model.step(0.1)
    assert model.state["wish"] == first
    model.step(1)
    assert model.state["wish"] == Wish(model.now, asleep=True)


def test_work_takes_a_wish_to_sleep_back() -> None:
    model = Life(timeout_s=10, release_s=100)
    model.step(demand=1)
    model.step(1, demand=1)
    model.step(11)
    model.asleep = 0  # it is in use, and has not followed yet
    model.step(0.1, held=True)
    assert not model.state["wish"].asleep
