import asyncio
from collections import Counter
from typing import Final

import pytest

from deployments.errors import Overloaded, Unavailable
from deployments.profiles import PROFILES
from deployments.service.turns import Admission
from deployments.settings import Settings
from tests.support.recorder import Recorder

BACKGROUND: Final = "background"
"""The client whose work is background work."""


class Workshop:
    """Requests that work until they are let go, and the order in which their turns came."""

    def __init__(self, running: int, waiting: int) -> None:
        self.metrics = Recorder()
        self.admission = Admission(running, waiting, self.metrics)
        self.turns: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}

    async def work(self, client: str, label: str) -> None:
        door = self.doors.setdefault(label, asyncio.Event())
        turn = self.admission.background_turn() if client == BACKGROUND else self.admission.turn(client)
        async with turn:
            self.turns.append(label)
            await door.wait()

    async def start(self, client: str, *labels: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.work(client, label)) for label in labels]
        await settled()
        return tasks

    async def end(self, *labels: str) -> None:
        for label in labels:
            self.doors[label].set()
            await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_turns_come_in_order_and_no_more_at_once_than_may() -> None:
    shop = Workshop(running=2, waiting=8)
    tasks = await shop.start("a", "1", "2", "3", "4")
    assert shop.turns == ["1", "2"]
    assert (shop.admission.running, shop.admission.waiting) == (2, 2)
    await shop.end("2")
    assert shop.turns == ["1", "2", "3"]
    await shop.end("1", "3", "4")
    await asyncio.gather(*tasks)
    assert (shop.admission.running, shop.admission.waiting) == (0, 0)
    assert max(shop.metrics.gauges["num_requests_running"]) == 2
    assert max(shop.metrics.gauges["num_requests_waiting"]) == 2
    assert shop.metrics.gauges["num_requests_running"][-1] == shop.metrics.gauges["num_requests_waiting"][-1] == 0


@pytest.mark.parametrize(("replicas", "running", "waiting"), [(1, 16, 64), (2, 8, 32), (3, 6, 22)])
async def test_ingress_replicas_share_what_the_service_takes(replicas: int, running: int, waiting: int) -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    admission = Admission.of(settings, PROFILES["nano"], Recorder(), replicas)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hold(admission)) for _ in range(running + waiting)]
        async with asyncio.timeout(5):
            while admission.waiting < waiting:
                await asyncio.sleep(0)
        assert admission.running == running
        with pytest.raises(Overloaded):
            await hold(admission)
        for task in tasks:
            task.cancel()


async def hold(admission: Admission) -> None:
    async with admission.turn("client"):
        await asyncio.Event().wait()


async def test_above_the_queue_a_request_is_refused_at_once() -> None:
    shop = Workshop(running=1, waiting=2)
    tasks = await shop.start("a", "1", "2", "3")
    with pytest.raises(Overloaded) as refusal:
        await shop.work("a", "4")
    assert refusal.value.retry_after_s
    await shop.end("1", "2", "3")
    await asyncio.gather(*tasks)
    assert shop.turns == ["1", "2", "3"]


async def test_a_client_that_floods_makes_room_and_waits_for_one_that_does_not() -> None:
    shop = Workshop(running=2, waiting=3)
    flood = await shop.start("flood", "f1", "f2", "f3", "f4", "f5")
    calm = await shop.start("calm", "c1")
    with pytest.raises(Overloaded):
        await flood[4]  # the newest of its waiting ones
    await shop.end("f1")
    assert shop.turns == ["f1", "f2", "c1"]
    await shop.end("f2", "f3", "f4", "c1")
    await asyncio.gather(*flood[:4], *calm)


async def test_two_clients_alternate_however_many_each_has() -> None:
    shop = Workshop(running=1, waiting=20)
    tasks = await shop.start("a", *(f"a{n}" for n in range(6)))
    tasks += await shop.start("b", *(f"b{n}" for n in range(3)))
    while not all(task.done() for task in tasks):
        await shop.end(shop.turns[-1])
    assert shop.turns == ["a0", "a1", "b0", "a2", "b1", "a3", "b2", "a4", "a5"]


async def test_who_leaves_the_queue_leaves_nothing_behind() -> None:
    shop = Workshop(running=1, waiting=4)
    first, second, third = await shop.start("a", "1", "2", "3")
    second.cancel()
    await settled()
    assert shop.admission.waiting == 1
    await shop.end("1")
    assert shop.turns == ["1", "3"]
    third.cancel()
    await settled()
    assert (shop.admission.running, shop.admission.waiting) == (0, 0)
    await first


async def test_a_turn_that_comes_together_with_the_cancellation_is_given_on() -> None:
    shop = Workshop(running=1, waiting=4)
    first, second, third = await shop.start("a", "1", "2", "3")
    shop.doors["1"].set()
    await asyncio.sleep(0)  # the first wakes
    await asyncio.sleep(0)
    second.cancel()
    await settled()
    assert shop.turns[-1] == "3"
    await shop.end("3")
    await asyncio.gather(first, third)
    assert shop.admission.running == 0


async def test_ten_thousand_random_arrivals_and_departures_leave_nothing_behind() -> None:
    import random

    chance = random.Random(1)  # noqa: S311
    admission = Admission(5, 9, Recorder())
    results = Counter[str]()

    async def one(client: str) -> None:
        try:
            async with admission.turn(client):
                assert admission.running <= 5
                assert admission.waiting <= 9
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            results["done"] += 1
        except Overloaded:
            results["refused"] += 1

    async with asyncio.timeout(60):
        for _ in range(400):
            tasks = [asyncio.create_task(one(chance.choice("abcd"))) for _ in range(25)]
            await asyncio.sleep(0)
            for task in chance.sample(tasks, 3):
                task.cancel()
            results["cancelled"] += sum(
                isinstance(result, asyncio.CancelledError)
                for result in await asyncio.gather(*tasks, return_exceptions=True)
            )
            assert (admission.running, admission.waiting) == (0, 0)
    assert results.total() == 10_000
    assert min(results.values()) > 100


async def test_background_work_leaves_a_place_free_and_lets_clients_go_first() -> None:
    shop = Workshop(running=2, waiting=8)
    tasks = await shop.start("a", "1", "2", "3")
    tasks += await shop.start(BACKGROUND, "b1", "b2")
    await shop.end("1")
    assert shop.turns == ["1", "2", "3"]
    await shop.end("2")
    assert shop.turns == ["1", "2", "3"]  # only one place is left
    await shop.end("3")
    assert shop.turns == ["1", "2", "3", "b1"]
    tasks += await shop.start("a", "4")
    assert shop.turns == ["1", "2", "3", "b1", "4"]
    await shop.end("b1")
    assert shop.turns == ["1", "2", "3", "b1", "4"]
    await shop.end("4", "b2")
    await asyncio.gather(*tasks)
    assert shop.turns == ["1", "2", "3", "b1", "4", "b2"]
    assert (shop.admission.running, shop.admission.waiting) == (0, 0)


async def test_background_work_holds_at_most_a_quarter_of_the_places() -> None:
    shop = Workshop(running=8, waiting=8)
    tasks = await shop.start(BACKGROUND, "1", "2", "3")
    assert shop.turns == ["1", "2"]
    await shop.end("1", "2", "3")
    await asyncio.gather(*tasks)


async def test_background_work_runs_alone_where_there_is_one_place() -> None:
    shop = Workshop(running=1, waiting=8)
    tasks = await shop.start(BACKGROUND, "1", "2")
    tasks += await shop.start("a", "3")
    assert shop.turns == ["1"]
    await shop.end("1")
    assert shop.turns == ["1", "3"]
    await shop.end("3", "2")
    await asyncio.gather(*tasks)


async def test_background_work_that_is_cancelled_makes_room() -> None:
    shop = Workshop(running=2, waiting=8)
    first, second, third = await shop.start(BACKGROUND, "1", "2", "3")
    second.cancel()
    first.cancel()
    await settled()
    assert shop.turns == ["1", "3"]
    await shop.end("3")
    await third
    assert shop.admission.running == 0


async def test_a_service_that_drains_ends_what_it_has_accepted_and_refuses_the_rest() -> None:
    shop = Workshop(running=1, waiting=4)
    tasks = await shop.start("a", "1", "2")
    [job] = await shop.start(BACKGROUND, "b1")
    draining = asyncio.create_task(shop.admission.drain())
    await settled()
    for caller in ("a", BACKGROUND):
        with pytest.raises(Unavailable, match="being stopped"):
            await shop.work(caller, "late")
    with pytest.raises(Unavailable, match="being stopped"):
        await job
    await shop.end("1")
    assert not draining.done()
    await shop.end("2")
    await asyncio.gather(*tasks, draining)
    assert shop.turns == ["1", "2"]


async def test_a_service_without_requests_has_drained_at_once() -> None:
    await asyncio.wait_for(Workshop(running=1, waiting=1).admission.drain(), timeout=5)
