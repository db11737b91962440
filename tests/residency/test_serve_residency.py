"""Waiting for models, with handles of the test's own; what needs a cluster is in test_scale_to_zero."""

import asyncio
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import DeploymentUnavailableError

from deployments.errors import ReplicaLost, Unavailable
from deployments.residency import serve_residency
from deployments.residency.records import Observation, Records, Store
from deployments.residency.serve_residency import ServeResidency
from tests.support.memory_store import MemoryStore


class Handle:
    """A deployment whose `ready` returns, or fails, once the model is `loaded`."""

    def __init__(self, failure: BaseException | None = None, *, loaded: bool = True) -> None:
        self.failure = failure
        self.loaded = asyncio.Event()
        if loaded:
            self.loaded.set()
        self.waiting = 0
        self.ready = self

    async def remote(self) -> None:
        self.waiting += 1
        try:
            await self.loaded.wait()
        finally:
            self.waiting -= 1
        if self.failure:
            raise self.failure


def residency(patience_s: float = 5, store: Store | None = None, **handles: Any) -> ServeResidency:
    return ServeResidency("app", handles, patience_s, store=store or MemoryStore())


async def hold(residency: ServeResidency, *models: str) -> None:
    async with residency.held(models):
        pass


async def test_models_are_waited_for_side_by_side() -> None:
    llasa, xcodec2 = Handle(loaded=False), Handle(loaded=False)
    waiting = asyncio.create_task(hold(residency(Llasa=llasa, XCodec2=xcodec2), "Llasa", "XCodec2"))
    async with asyncio.timeout(5):
        while not (llasa.waiting and xcodec2.waiting):
            await asyncio.sleep(0)
        llasa.loaded.set()
        xcodec2.loaded.set()
        await waiting


async def test_a_wait_beyond_patience_is_told_with_when_to_come_back() -> None:
    llasa = Handle(loaded=False)
    with pytest.raises(Unavailable, match=r"Llasa could not be loaded within 0.05 s") as caught:
        await hold(residency(0.05, Llasa=llasa), "Llasa")
    assert caught.value.retry_after_s
    assert not llasa.waiting


async def test_a_models_own_failure_is_given_on_as_it_is() -> None:
    failure = Unavailable("There is no checkpoint folder /x.")
    error = RayTaskError("ready", "traceback", failure)
    with pytest.raises(Unavailable, match="no checkpoint folder /x") as caught:
        await hold(residency(Llasa=Handle(failure=error)), "Llasa")
    assert type(caught.value) is Unavailable


async def test_a_model_that_serve_has_given_up_is_told() -> None:
    error = DeploymentUnavailableError(DeploymentID("Llasa", "app"))
    with pytest.raises(Unavailable, match="Llasa failed to start"):
        await hold(residency(Llasa=Handle(failure=error)), "Llasa")


@pytest.mark.parametrize("lost", [RayActorError(), ActorUnavailableError("unavailable", None)], ids=repr)
async def test_a_replica_that_dies_while_it_is_waited_for_is_lost(lost: Exception) -> None:
    with pytest.raises(ReplicaLost, match="Llasa has stopped") as caught:
        await hold(residency(Llasa=Handle(failure=lost)), "Llasa")
    assert caught.value.retry_after_s


async def test_another_failure_is_not_hidden() -> None:
    error = RayTaskError("ready", "traceback", ValueError("a defect"))
    with pytest.raises(RayTaskError):
        await hold(residency(Llasa=Handle(failure=error)), "Llasa")


async def test_models_are_held_before_they_are_waited_for() -> None:
    store, llasa = MemoryStore(), Handle(loaded=False)
    waiting = asyncio.create_task(hold(residency(store=store, Llasa=llasa), "Llasa"))
    async with asyncio.timeout(5):
        while not llasa.waiting:
            await asyncio.sleep(0)
        assert Records(store).is_held("Llasa")
        waiting.cancel()
        while Records(store).is_held("Llasa"):
            await asyncio.sleep(0)


class CountingStore(MemoryStore):
    """Counts how often an observation is read."""

    looks = 0

    def get(self, key: str) -> str | None:
        self.looks += key.startswith("observed/")
        return super().get(key)


async def test_who_comes_while_a_model_is_being_unloaded_waits_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_residency, "_POLL_S", 0.01)
    store, llasa = CountingStore(), Handle()
    records, ours = Records(store), residency(store=store, Llasa=llasa)
    await ours.offload(["Llasa"])
    ordered = records.orders("Llasa").offload_at
    records.observe("Llasa", Observation(600, 0, offloaded=ordered - 1, ongoing=1, queued=0))
    waiting = asyncio.create_task(hold(ours, "Llasa"))
    async with asyncio.timeout(5):
        while store.looks < 3:  # it looks again and again
            await asyncio.sleep(0)
    assert not records.is_held("Llasa")
    assert not llasa.waiting
    records.observe("Llasa", Observation(600, 0, offloaded=ordered, ongoing=0, queued=0))
    async with asyncio.timeout(5):
        await waiting
