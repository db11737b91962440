"""Serve in miniature: replicas of two models on fake GPUs, in this process, moved by the real policy and loaders.

Real are the policy's decision, the records, the followers, the loaders, the leases and `ServeResidency`. Serve is not:
processes are objects, and a replica that is killed loses its requests and its lease.
"""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from deployments.errors import ReplicaLost
from deployments.placement.gpu_loader import ProcessMustEnd
from deployments.placement.lease import Leases
from deployments.placement.model_loader import LoadEvent, ModelLoader
from deployments.placement.placement import Placement, place
from deployments.residency.decision import Replicas, desired_replicas
from deployments.residency.follower import Follower
from deployments.residency.records import Observation, Place, Records
from deployments.residency.serve_residency import ServeResidency
from deployments.residency.status import StatusReader
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus
from tests.support.memory_store import MemoryStore

NEEDS: Final = {"Llasa": (0.8, 18), "XCodec2": (0.2, 4)}
"""Fraction and GiB of a GPU. Both fit on one."""
GPUS: Final = 2
TOTAL: Final = 24
TICK_S: Final = 0.005
TIMEOUT_S: Final = 0.15


class SmallReplica:
    """A process of a model."""

    def __init__(self, cluster: "SmallCluster", model: str, number: int) -> None:
        self.name = f"{model}-{number}"
        self.model = model
        self.dead = asyncio.Event()
        self.users = 0
        self.on_gpu = False
        self.placement: Placement | None = None
        self._cluster = cluster
        self._loop = asyncio.get_running_loop()
        self.loader = ModelLoader(self._load, self._record, sleep=self._sleep, wake=self._wake, end=self._end)
        self.follower = Follower(self.loader, lambda: cluster.wish(model))

    def _load(self) -> str:
        fraction, gib = NEEDS[self.model]
        self.placement = place(self.model, fraction, gib * GIB, self._cluster.reader, {}, self._cluster.leases)
        self._occupy()
        return self.model

    def _occupy(self) -> None:
        assert self.placement
        self.placement.loaded(NEEDS[self.model][1] * GIB)
        self.on_gpu = True
        self._cluster.measure()

    def _sleep(self, model: str) -> None:
        assert self.placement
        self.on_gpu = False
        self._cluster.measure()
        self.placement.sleep(0)

    def _wake(self, model: str) -> None:
        assert self.placement
        if not self.placement.wake():
            raise ProcessMustEnd("The GPU has been taken.")
        self._occupy()

    def _record(self, event: LoadEvent) -> None:
        assert event.failure is None or self.dead.is_set(), event.failure
        self._cluster.records.placed(self.name, Place(self.placement.uuid if self.placement else None, event.state))

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._cluster.kill, self)

    async def work(self, seconds: float) -> None:
        """A request of the replica, which is lost if the replica dies."""
        self.users += 1
        work, dead = asyncio.create_task(self._use(seconds)), asyncio.create_task(self.dead.wait())
        try:
            await asyncio.wait({work, dead}, return_when=asyncio.FIRST_COMPLETED)
            if self.dead.is_set():
                raise ReplicaLost(f"{self.name} has died")
            await work
        except ProcessMustEnd as error:
            raise ReplicaLost(f"{self.name} has ended") from error
        finally:
            self.users -= 1
            for task in (work, dead):
                task.cancel()

    async def _use(self, seconds: float) -> None:
        async with self.loader.use() as model:
            assert self.on_gpu
            await asyncio.sleep(seconds)
            assert (model, self.on_gpu) == (self.model, True)


class SmallCluster:
    """The models, their replicas and GPUs."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr("deployments.residency.serve_residency._POLL_S", TICK_S)
        monkeypatch.setattr("deployments.residency.decision._AGAIN_S", 0.05)
        monkeypatch.setattr(ServeResidency, "_drop_from_page_caches", lambda self, models: asyncio.sleep(0))
        self.leases = folder / "leases"
        self.reader = FileReader(folder / "gpus")
        self.records = Records(store := MemoryStore())
        self.release_s = 0.3
        self.programs = [0.0] * GPUS
        """GiB of other programs on each GPU."""
        self.replicas: dict[str, list[SmallReplica]] = {model: [] for model in NEEDS}
        """Those that take requests."""
        self.draining: list[SmallReplica] = []
        self.waiting = dict.fromkeys(NEEDS, 0)
        self._states: dict[str, dict[str, Any]] = {model: {} for model in NEEDS}
        self._started = 0
        self._measuring = threading.Lock()
        self.measure()
        handles: dict[str, Any] = {model: self._handle(model) for model in NEEDS}
        self.residency = ServeResidency("app", handles, 30, self.reader, store)

    def _handle(self, model: str) -> SimpleNamespace:
        return SimpleNamespace(ready=SimpleNamespace(remote=lambda: self.call(model, 0)))

    def measure(self) -> None:
        """Writes what NVML would show."""
        with self._measuring:
            used = [*self.programs]
            for replica in self.all():
                if replica.on_gpu and replica.placement and replica.placement.uuid:
                    used[int(replica.placement.uuid[4])] += NEEDS[replica.model][1]
            write_gpus(self.reader.path, [gpu(index, TOTAL - gib, TOTAL) for index, gib in enumerate(used)])

    def all(self) -> list[SmallReplica]:
        """All processes."""
        return [*self.draining, *(replica for replicas in self.replicas.values() for replica in replicas)]

    def take(self, index: int, gib: float) -> None:
        """Lets another program take memory of a GPU, unless a model of this service is there."""
        before, self.programs[index] = self.programs[index], gib
        self.measure()
        if any(claim.gpu[4] == str(index) and not claim.asleep for claim in Leases(self.leases).held()):
            self.programs[index] = before
            self.measure()

    def wish(self, model: str) -> Any:
        observation = self.records.observation(model)
        assert observation
        return observation.wish

    async def call(self, model: str, seconds: float) -> None:
        """Sends a request to a replica, when there is one."""
        self.waiting[model] += 1
        try:
            while not self.replicas[model]:
                await asyncio.sleep(TICK_S)
            replica = random.choice(self.replicas[model])  # noqa: S311
        finally:
            self.waiting[model] -= 1
        await replica.work(seconds)

    async def speak(self) -> None:
        """A request of the service."""
        async with self.residency.held([*NEEDS]):
            for model in NEEDS:
                await self.call(model, 0.01)

    def kill(self, replica: SmallReplica) -> None:
        """Ends a process."""
        if replica in self.replicas[replica.model]:
            self.replicas[replica.model].remove(replica)
        replica.dead.set()
        with replica.loader._moving:  # its thread does not end with it
            replica.on_gpu = False
            if replica.placement:
                replica.placement.release()
        self.measure()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Runs the policy of each model, and does what it decides."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._serve(model)) for model in NEEDS]
            yield
            for task in tasks:
                task.cancel()
        for replica in self.all():
            self.kill(replica)

    async def _serve(self, model: str) -> None:
        while True:
            wanted = self._decide(model)
            up = self.replicas[model]
            while len(up) < wanted:
                self._started += 1
                up.append(SmallReplica(self, model, self._started))
            while len(up) > wanted:
                self.draining.append(up.pop())
            for replica in [one for one in self.draining if one.model == model and not one.users]:
                self.draining.remove(replica)
                self.kill(replica)
            for replica in [*up]:
                await asyncio.to_thread(self._look, replica)
            await asyncio.sleep(TICK_S)

    def _look(self, replica: SmallReplica) -> None:
        try:
            with suppress(ProcessMustEnd):  # the replica ends itself
                replica.follower.look()
        except Exception:
            if not replica.dead.is_set():  # a process that is gone does nothing
                raise

    def _decide(self, model: str) -> int:
        up = self.replicas[model]
        # Before the holds, as the policy does.
        asleep = sum(self.records.place(replica.name).state == "asleep" for replica in up)
        wanted, state = desired_replicas(
            self.records.orders(model),
            dict(self._states[model]),
            now=time.time(),
            timeout_s=TIMEOUT_S,
            release_s=self.release_s,
            replicas=Replicas(len(up), asleep),
            demand=self.waiting[model] + sum(replica.users for replica in up),
            held=self.records.is_held(model),
            target=4,
        )
        self._states[model] = state
        self.records.observe(
            model, Observation(TIMEOUT_S, state["idle_since"], state["offloaded"], 0, 0, state["wish"])
        )
        return max(wanted, int(not up and self.waiting[model] > 0))

    def states(self) -> set[str]:
        """States of the models, as the status has them."""
        found = set[str]()
        for model, up in self.replicas.items():
            listed = [(replica, "RUNNING") for replica in up]
            listed += [(replica, "STOPPING") for replica in self.draining if replica.model == model]
            details = [{"replica_id": replica.name, "state": state} for replica, state in listed]
            found.add(StatusReader(self.records, "").status(model, details).state)
        return found

    def check(self) -> None:
        """Compares what NVML, leases and records say with what is true. While nothing moves."""
        claims = sorted((claim.model, claim.gpu, claim.asleep) for claim in Leases(self.leases).held())
        held = sorted((one.model, one.placement and one.placement.uuid, not one.on_gpu) for one in self.all())
        assert claims == held
        for replica in self.all():
            assert self.records.place(replica.name).state == ("ready" if replica.on_gpu else "asleep")
        for index, one in enumerate(self.reader.read()):
            used = sum(NEEDS[model][1] for model, on, asleep in claims if on == one.uuid and not asleep)
            assert used + self.programs[index] <= TOTAL
