"""Models that sleep, come and go, on a real local Ray."""

import asyncio
import contextlib
import random
import signal

import psutil
import pytest

from tests.support.refusal import refused
from tests.support.service import Running, both_ingresses, speak

pytestmark = pytest.mark.cluster

TEXT = "All work and no play."


async def test_a_model_that_nobody_uses_has_no_process_and_a_request_brings_it(running: Running) -> None:
    async with running.client() as client:
        unloaded = (await client.post("/api/gpu/release?wait=120")).json()
        assert unloaded["done"]
        for _ in range(2):
            answer = await speak(client, "Hello there.", 1)
            assert answer.status_code == 200, answer.text
            models = await running.models()
            assert models["Llasa"]["state"] == models["XCodec2"]["state"] == "ready"
            assert models["Whisper"]["state"] == "unloaded"
            assert models["Llasa"]["last_load_seconds"] > 0
            pids = [models[name]["replicas"][0]["pid"] for name in ("Llasa", "XCodec2")]
            assert all(psutil.pid_exists(pid) for pid in pids)
            gone = (await client.post("/api/gpu/release?wait=120")).json()
            assert gone["done"], gone
            assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_an_offloaded_model_sleeps_in_its_process_and_wakes_to_the_same_speech(running: Running) -> None:
    async with running.client() as client:
        before = await speak(client, TEXT, 3)
        awake = await running.models()
        pids = {name: awake[name]["replicas"][0]["pid"] for name in ("Llasa", "XCodec2")}
        for wake in ("request", "warm"):
            asleep = (await client.post("/api/gpu/offload?wait=120")).json()
            assert asleep["done"], asleep
            assert [asleep["models"][name]["state"] for name in pids] == ["asleep", "asleep"]
            if wake == "warm":
                assert (await client.post("/api/gpu/warm?wait=120")).json()["done"]
            assert (await speak(client, TEXT, 3)).content == before.content
            models = await running.models()
            assert {name: models[name]["replicas"][0]["pid"] for name in pids} == pids
            assert [models[name]["state"] for name in pids] == ["ready", "ready"]
            assert all(models[name]["last_wake_seconds"] > 0 for name in pids)


@pytest.mark.parametrize(("order", "state"), [("offload", "asleep"), ("release", "unloaded")])
async def test_leaving_harms_no_running_request_and_the_next_one_works(
    running: Running, order: str, state: str
) -> None:
    async with running.client() as client:
        alone = await speak(client, TEXT, 0)
        takes = [asyncio.create_task(speak(client, TEXT, seed)) for seed in range(8)]
        await running.engine_has(8, within=60)
        unloading = asyncio.create_task(client.post(f"/api/gpu/{order}?wait=200"))
        answers = await asyncio.gather(*takes)
        assert [answer.status_code for answer in answers] == [200] * 8
        assert answers[0].content == alone.content
        assert (await unloading).json()["done"]
        assert (await running.models())["Llasa"]["state"] == state
        assert (await speak(client, "Hello again.", 1)).status_code == 200


async def test_a_timeout_changed_while_running_takes_effect_and_outlasts_the_ingress(running: Running) -> None:
    async with running.client() as client:
        await client.post("/api/gpu/warm?model=XCodec2&wait=120")
        before = (await running.models())["XCodec2"]
        assert before["state"] == "ready"
        changed = await client.post("/api/gpu/timeout?seconds=1&model=XCodec2")
        assert changed.json()["done"]
        await is_asleep(running, "XCodec2")
        processes = [psutil.Process(pid) for pid in await both_ingresses()]
        for process in processes:
            process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(psutil.wait_procs, processes, 30)
    await healthy(running)
    assert (await running.models())["XCodec2"]["timeout_seconds"] == 1
    async with running.client() as client:
        await client.post("/api/gpu/timeout?seconds=600")


@pytest.mark.parametrize("order", [pytest.param("offload", marks=pytest.mark.slow), "release"])
async def test_a_checkpoint_that_breaks_is_told_and_works_again_once_mended(running: Running, order: str) -> None:
    weights, away = running.llasa / "model.safetensors", running.llasa / "model.away"
    async with running.client() as client:
        await client.post(f"/api/gpu/{order}?wait=120")
        weights.rename(away)
        try:
            answer = await speak(client, "Hello there.", 1)
            refused(answer, 503, "unavailable", None, f"The Llasa checkpoint at {running.llasa} cannot be loaded")
            health = await client.get("/health")
            assert health.status_code == 503
            assert list(health.json()["failures"]) == ["Llasa"]
        finally:
            away.rename(weights)
        async with asyncio.timeout(60):
            while (await speak(client, "Hello there.", 1)).status_code != 200:
                await asyncio.sleep(0.5)
        assert (await client.get("/health")).status_code == 200


async def is_asleep(running: Running, model: str) -> None:
    async with asyncio.timeout(60):
        while (await running.models())[model]["state"] != "asleep":
            await asyncio.sleep(0.2)


async def healthy(running: Running) -> None:
    """Returns once the ingress answers again."""
    import httpx

    async with asyncio.timeout(60), running.client() as client:
        while True:
            try:
                if (await client.get("/health", timeout=5)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.5)


@pytest.mark.slow
async def test_no_request_is_lost_to_random_orders_and_kills(running: Running) -> None:
    choose = random.Random(0)  # noqa: S311
    moves = {"speak": 5, "offload": 3, "release": 2, "warm": 2, "kill": 1}
    async with running.client() as client:
        alone = await speak(client, TEXT, 0)
        requests = []
        for number, move in enumerate(choose.choices([*moves], [*moves.values()], k=100)):
            match move:
                case "speak":
                    requests.append(asyncio.create_task(speak(client, TEXT, 0)))
                case "kill":
                    models = await running.models()
                    pids = [replica["pid"] for name in ("Llasa", "XCodec2") for replica in models[name]["replicas"]]
                    if pids := [pid for pid in pids if pid]:
                        with contextlib.suppress(psutil.NoSuchProcess):
                            psutil.Process(choose.choice(pids)).kill()
                case _:
                    wait = choose.choice([0, 5])
                    assert (await client.post(f"/api/gpu/{move}?wait={wait}")).status_code in (200, 202)
            if number % 10 == 9:
                answers = await asyncio.gather(*requests)
                requests.clear()
                assert [answer.status_code for answer in answers] == [200] * len(answers)
                assert all(answer.content == alone.content for answer in answers)
        for order, state in (("warm", "ready"), ("offload", "asleep"), ("release", "unloaded")):
            done = (await client.post(f"/api/gpu/{order}?wait=200")).json()
            assert done["done"], done
            assert {model["state"] for model in done["models"].values()} <= {state, "unloaded"}
