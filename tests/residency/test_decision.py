"""The policy's decisions, with a clock of the test's own."""

from dataclasses import replace
from typing import Any

from deployments.residency.decision import ModelOverrides, desired_replicas


class Life:
    """A model that does at once what the policy decides."""

    def __init__(self, timeout_s: float = 10.0, orders: ModelOverrides | None = None) -> None:
        self.orders = orders or ModelOverrides()
        self.timeout_s = timeout_s
        self.now = 1_000.0
        self.running = 0
        self.state: dict[str, Any] = {}

    def step(self, seconds: float = 0.0, demand: float = 0.0, held: bool = False) -> int:
        self.now += seconds
        wanted, self.state = desired_replicas(
            self.orders,
            self.state,
            now=self.now,
            timeout_s=self.timeout_s,
            running=self.running,
            demand=demand,
            held=held,
            target=4.0,
        )
        self.running = max(wanted, int(demand > 0))  # Serve itself starts the first one
        return wanted

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
