"""Loads and unloads models through Serve: holds them for requests, and orders their policies.

Orders are records in Ray's internal key-value store: every ingress replica reads and writes the same ones, and they
outlast each replica.
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
from ray.serve.context import _get_global_client
from ray.serve.handle import DeploymentHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.errors import Unavailable
from deployments.placement.devices import GpuReader, NvmlReader
from deployments.placement.lease import Leases
from deployments.remote import LOST, errors_of, from_controller
from deployments.residency.cluster_store import ClusterStore
from deployments.residency.holds import Holds
from deployments.residency.page_cache import drop_from_page_cache
from deployments.residency.protocol import MODELS, GpuStatus, ModelStatus
from deployments.residency.records import Records, Store
from deployments.residency.status import StatusReader

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient

_POLL_S: Final = 0.5


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
                    await asyncio.sleep(_POLL_S)  # another process records it
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
