"""Random orders, requests and kills: no request is lost, and states and claims are true."""

import asyncio
import random
from pathlib import Path

import pytest

from deployments.residency.protocol import Residency
from deployments.service.retry import with_retries
from tests.support.small_cluster import GPUS, NEEDS, SmallCluster

GOALS = {"pin": {"ready"}, "offload": {"asleep", "unloaded"}, "release": {"unloaded"}}


async def order(residency: Residency, name: str, models: list[str]) -> None:
    """Gives an order by its name."""
    match name:
        case "offload":
            await residency.offload(models)
        case "release":
            await residency.release(models)
        case "warm" | "pin":
            await residency.warm(models, pin=name == "pin")


@pytest.mark.parametrize("seed", range(3))
async def test_no_request_is_lost_to_random_orders_and_kills(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = random.Random(seed)  # noqa: S311
    cluster = SmallCluster(tmp_path, monkeypatch)
    moves = {"speak": 8, "offload": 3, "release": 2, "warm": 2, "kill": 2, "take": 3, "give": 2, "wait": 4}
    async with asyncio.timeout(60), cluster.serving():
        for name in [*GOALS] * 2:
            requests = []
            for move in choose.choices([*moves], [*moves.values()], k=17):
                models = [*NEEDS] if choose.random() < 0.5 else [choose.choice([*NEEDS])]
                match move:
                    case "speak":
                        requests.append(asyncio.create_task(with_retries(cluster.speak)))
                    case "kill":
                        if found := cluster.all():
                            cluster.kill(choose.choice(found))
                    case "take":
                        cluster.programs = [0.0] * GPUS
                        cluster.take(choose.randrange(GPUS), 20)
                    case "give":
                        cluster.programs = [0.0] * GPUS
                        cluster.measure()
                    case "wait":
                        await asyncio.sleep(choose.random() * 0.3)
                    case _:
                        await order(cluster.residency, move, models)
                await asyncio.sleep(choose.random() * 0.02)
            await asyncio.gather(*requests)
            await order(cluster.residency, name, [*NEEDS])
            while not cluster.states() <= GOALS[name]:
                await asyncio.sleep(0.005)
            cluster.check()
        # Left alone, they fall asleep, and are unloaded at last.
        for state, cluster.release_s in (("asleep", 60), ("unloaded", 0.1)):
            if state == "asleep":
                await cluster.speak()
            while cluster.states() != {state}:
                await asyncio.sleep(0.005)
            cluster.check()
