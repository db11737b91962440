"""Decides when models are loaded: an autoscaling policy for Serve, and the orders that it follows.

Overrides and observations are records in Ray's internal key-value store: every ingress replica reads and writes the
same ones, and they outlast each replica.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import ray
import ray.util
from ray.exceptions import TaskUnschedulableError
from ray.serve.config import AutoscalingContext
from ray.serve.context import _get_global_client
from ray.serve.handle import DeploymentHandle
from ray.util import metrics
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.errors import Unavailable
from deployments.placement.devices import GpuReader, NvmlReader
from deployments.placement.lease import Leases
from deployments.remote import LOST, errors_of, from_controller
from deployments.residency.cluster_store import ClusterStore
from deployments.residency.decision import ModelOverrides, Replicas, Wish, desired_replicas
from deployments.residency.holds import Holds
from deployments.residency.metrics import GAUGES
from deployments.residency.page_cache import drop_from_page_cache
from deployments.residency.protocol import MODELS, GpuStatus, ModelStatus
from deployments.residency.records import Observation, Records, Store
from deployments.residency.status import StatusReader

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient

_REFRESH_S: Final = 0.5
"""Maximum age of the policy's view of its orders. Serve calls it ten times a second, for every model."""


class ResidencyPolicy:
    """Serve's autoscaling policy for a model: up when a request waits, out by load, asleep when idle, then to zero.

    Serve itself starts the first replica when a request waits and none is up, and a request wakes a replica that
    sleeps; everything else is decided here.

    Args:
        timeout_s: Seconds without a request after which the model falls asleep, unless an order overrides it.
        release_s: Seconds asleep after which it is unloaded; with 0 it is unloaded instead of falling asleep.
    """

    def __init__(self, timeout_s: float, release_s: float) -> None:
        self._timeout_s = timeout_s
        self._release_s = release_s
        self._records = Records(ClusterStore())
        self._orders = ModelOverrides()
        self._held = False
        self._asleep = set[str]()
        self._idle_since = time.time()
        self._offloaded = 0.0
        self._wish = Wish()
        self._next_refresh = 0.0
        self._gauges = [gauge.of(metrics) for gauge in GAUGES]

    def __call__(self, ctx: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Returns the replicas wanted, and the state for the next call."""
        now = time.time()
        if refreshed := now >= self._next_refresh:
            self._next_refresh = now + _REFRESH_S
            self._refresh(ctx)
        wanted, state = desired_replicas(
            self._orders,
            dict(ctx.policy_state),
            now=now,
            timeout_s=self._timeout_s if self._orders.timeout_s is None else self._orders.timeout_s,
            release_s=self._release_s,
            replicas=Replicas(
                ctx.current_num_replicas, sum(replica.unique_id in self._asleep for replica in ctx.running_replicas)
            ),
            demand=float(ctx.total_num_requests),
            held=self._held,
            target=float(ctx.config.target_ongoing_requests) if ctx.config else 1.0,
        )
        self._idle_since, self._offloaded = state["idle_since"], state["offloaded"]
        if state["wish"] != self._wish:
            self._wish = state["wish"]
            self._observe(ctx)
        if refreshed:
            idle = max(0.0, now - self._idle_since) if ctx.current_num_replicas else 0.0
            values = (ctx.current_num_replicas, wanted, ctx.total_num_requests, idle, len(self._asleep))
            for gauge, value in zip(self._gauges, values, strict=True):
                gauge.set(float(value), {"model": ctx.deployment_name})
        return wanted, state

    def _refresh(self, ctx: AutoscalingContext) -> None:
        model = ctx.deployment_name
        self._orders = self._records.orders(model)
        # Before the holds: then a replica that work has woken is never seen awake without the hold of that work.
        self._asleep = {
            replica.unique_id
            for replica in ctx.running_replicas
            if self._records.place(replica.unique_id).state == "asleep"
        }
        self._held = self._records.is_held(model)
        self._observe(ctx)

    def _observe(self, ctx: AutoscalingContext) -> None:
        observation = Observation(
            timeout_s=self._timeout_s,
            idle_since=self._idle_since,
            offloaded=self._offloaded,
            ongoing=float(ctx.total_num_requests),
            queued=float(ctx.total_queued_requests or 0),
            wish=self._wish,
        )
        self._records.observe(ctx.deployment_name, observation)


class ServeResidency:
    """`Residency` over Serve and Ray's key-value store.

    Args:
        application: Name of the Serve application that the models are deployed in.
        models: Handles of the models by their names.
        patience_s: Seconds that a caller waits for a model.
        reader: Reads the GPUs of its node.
        store: Shared by all processes of the cluster.
    """

    def __init__(
        self,
        application: str,
        models: Mapping[str, DeploymentHandle[Any]],
        patience_s: float = 600,
        reader: GpuReader | None = None,
        store: Store | None = None,
    ) -> None:
        self._application = application
        self._models = models
        self._patience_s = patience_s
        self._reader = reader or NvmlReader()
        self._records = Records(store or ClusterStore())
        process = uuid4().hex
        self._holds = Holds(lambda models: self._records.hold(process, models))
        self._offloaded: dict[str, float] = {}
        self._statuses: StatusReader | None = None
        self._dropping = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await self._hold(models, stack)
            yield

    async def _hold(self, models: Sequence[str], stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                while not await asyncio.to_thread(self._past_offloads, models):  # noqa: ASYNC110
                    await asyncio.sleep(_REFRESH_S)  # another process records it
                await stack.enter_async_context(self._holds.of(models))
                await asyncio.gather(*[self._ready(model) for model in models])
        except TimeoutError:
            raise Unavailable(
                f"{' and '.join(models)} could not be loaded within {self._patience_s:g} s: try again.",
                retry_after_s=10,
            ) from None

    async def _ready(self, model: str) -> None:
        with errors_of(model):
            await self._models[model].ready.remote()

    def _past_offloads(self, models: Sequence[str]) -> bool:
        """Whether no order to leave the GPU is under way; later requests must not prevent it from being carried out."""
        for model in models:
            if (unload_at := self._records.orders(model).unload_at) != self._offloaded.get(model, 0.0):
                observation = self._records.observation(model)
                if observation is None or observation.offloaded < unload_at:
                    return False
                self._offloaded[model] = unload_at
        return True

    async def status(self) -> dict[str, ModelStatus]:
        return await from_controller(self._status)

    async def gpus(self) -> list[GpuStatus]:
        found = await _on_nodes(_gpus_of, self._reader, having="GPU")
        return [gpu for node in found for gpu in node]

    async def offload(self, models: Sequence[str]) -> None:
        await self._order(models, offload_at=time.time(), pin=False)

    async def release(self, models: Sequence[str]) -> None:
        await self._order(models, release_at=time.time(), pin=False)
        task = asyncio.create_task(self._drop_from_page_caches(models))
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        await self._order(models, warm_at=time.time(), **({"pin": True} if pin else {}))

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        await self._order(models, timeout_s=seconds)

    async def _order(self, models: Sequence[str], **changes: Any) -> None:
        for model in models:
            await asyncio.to_thread(self._records.order, model, **changes)

    async def _drop_from_page_caches(self, models: Sequence[str]) -> None:
        """Runs once the models are unloaded: files that a process maps stay in the cache."""
        for model in models:
            while (await self.status())[model].replicas:  # noqa: ASYNC110
                await asyncio.sleep(1)  # Serve does not notify of a replica's end
            if folder := (await asyncio.to_thread(self._records.load, model)).folder:
                await _on_nodes(_drop, folder)

    def _status(self) -> dict[str, ModelStatus]:
        client = cast("ServeControllerClient", _get_global_client())
        deployments = client.get_serve_details()["applications"][self._application]["deployments"]
        if self._statuses is None:
            self._statuses = StatusReader(self._records, ray.util.get_node_ip_address())
        return {model: self._statuses.status(model, deployments[model]["replicas"]) for model in MODELS}


async def _on_nodes(function: Callable[..., Any], *arguments: object, having: str = "CPU") -> list[Any]:
    """Calls a function with a node's address and the arguments on every node that has the resource.

    Nodes that die meanwhile are left out.
    """
    nodes = [node for node in await asyncio.to_thread(ray.nodes) if node["Alive"] and node["Resources"].get(having)]
    task = ray.remote(function)
    # Without CPUs: the calls must run even if all CPUs of the node are reserved.
    found = await asyncio.gather(
        *[
            task.options(
                num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(node["NodeManagerAddress"], *arguments)
            for node in nodes
        ],
        return_exceptions=True,
    )
    for result in found:
        if isinstance(result, BaseException) and not isinstance(result, (*LOST, TaskUnschedulableError)):
            raise result
    return [result for result in found if not isinstance(result, BaseException)]


def _drop(node: str, folder: str) -> int:
    return drop_from_page_cache(Path(folder))


def _gpus_of(node: str, reader: GpuReader) -> list[GpuStatus]:
    claims = Leases().held()
    return [
        GpuStatus(
            node=node,
            index=gpu.index,
            uuid=gpu.uuid,
            name=gpu.name,
            total_bytes=gpu.total,
            used_bytes=gpu.used,
            free_bytes=gpu.free,
            utilisation=gpu.utilisation,
            models=tuple(claim.model for claim in claims if claim.gpu == gpu.uuid and not claim.asleep),
            asleep=tuple(claim.model for claim in claims if claim.gpu == gpu.uuid and claim.asleep),
        )
        for gpu in reader.read()
    ]
