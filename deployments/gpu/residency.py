"""When models are loaded: Serve's autoscaling by a policy of ours, and the orders that it obeys.

Orders and observations are records in Ray's internal key-value store, so that every ingress replica gives and sees the
same ones, and they outlast each of them.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import psutil
import ray
import ray.util
from ray import serve
from ray.exceptions import RayTaskError
from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put
from ray.serve.config import AutoscalingContext
from ray.serve.context import _get_global_client
from ray.serve.handle import DeploymentHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.errors import ServiceError, Unavailable
from deployments.gpu.decision import Orders, decide
from deployments.gpu.devices import GpuReader, NvmlReader
from deployments.gpu.lease import Leases
from deployments.gpu.page_cache import drop_from_page_cache
from deployments.gpu.protocol import MODELS, GpuStatus, ModelStatus, ReplicaStatus, State

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient

_NAMESPACE: Final = "llasa-serve"
_REFRESH_S: Final = 0.5
"""How old the policy's view of its orders may get. Serve asks it ten times a second, for every model."""
_STATES: Final[dict[str, State]] = {"RUNNING": "ready", "STOPPING": "draining"}


class ResidencyPolicy:
    """Serve's autoscaling policy for a model: up when a request waits, out by load, to zero when idle or told.

    Serve starts the first replica itself when a request waits and none is up; all else is decided here.

    Args:
        timeout_s: Seconds without a request after which the model is unloaded, until an order says otherwise.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._orders = Orders()
        self._idle_since = time.time()
        self._next_refresh = 0.0

    def __call__(self, ctx: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Replicas wanted, and what to remember until asked again."""
        now = time.time()
        if now >= self._next_refresh:
            self._next_refresh = now + _REFRESH_S
            self._refresh(ctx)
        wanted, state = decide(
            self._orders,
            dict(ctx.policy_state),
            now=now,
            timeout_s=self._timeout_s if self._orders.timeout_s is None else self._orders.timeout_s,
            running=ctx.current_num_replicas,
            demand=float(ctx.total_num_requests),
            target=float(ctx.config.target_ongoing_requests) if ctx.config else 1.0,
        )
        self._idle_since = state["idle_since"]
        return wanted, state

    def _refresh(self, ctx: AutoscalingContext) -> None:
        self._orders = _read_orders(ctx.deployment_name)
        observed = {
            "timeout_s": self._timeout_s,
            "idle_since": self._idle_since,
            "ongoing": float(ctx.total_num_requests),
            "queued": float(ctx.total_queued_requests or 0),
        }
        _put(f"observed/{ctx.deployment_name}", observed)


class ServeResidency:
    """`Residency` over Serve and Ray's key-value store.

    Args:
        application: Name of the Serve application that the models are deployed in.
        models: Handles of the models by their names.
        patience_s: Seconds that a caller waits for a model.
        reader: Of the GPUs of the node it runs on.
    """

    def __init__(
        self,
        application: str,
        models: Mapping[str, DeploymentHandle[Any]],
        patience_s: float = 600,
        reader: GpuReader | None = None,
    ) -> None:
        self._application = application
        self._models = models
        self._patience_s = patience_s
        self._reader = reader or NvmlReader()
        self._seen: dict[str, dict[str, dict[str, Any]]] = {model: {} for model in MODELS}
        self._dropping = set[asyncio.Task[None]]()

    async def ready(self, models: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.gather(*[self._models[model].ready.remote() for model in models])
        except TimeoutError:
            raise Unavailable(
                f"{' and '.join(models)} could not be loaded within {self._patience_s:g} s: try again.",
                retry_after_s=10,
            ) from None
        except RayTaskError as error:
            if isinstance(error.cause, ServiceError):
                raise error.cause from None
            raise

    async def status(self) -> dict[str, ModelStatus]:
        return await asyncio.to_thread(self._status)

    async def gpus(self) -> list[GpuStatus]:
        found = await _on_nodes(_gpus_of, self._reader, having="GPU")
        return [gpu for node in found for gpu in node]

    async def offload(self, models: Sequence[str], *, drop_cache: bool = False) -> None:
        await self._order(models, offload_at=time.time(), pin=False)
        if drop_cache:
            task = asyncio.create_task(self._drop_from_page_caches(models))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        await self._order(models, warm_at=time.time(), **({"pin": True} if pin else {}))

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        await self._order(models, timeout_s=seconds)

    async def _order(self, models: Sequence[str], **changes: Any) -> None:
        for model in models:
            orders = replace(await asyncio.to_thread(_read_orders, model), **changes)
            await asyncio.to_thread(_put, f"orders/{model}", asdict(orders))

    async def _drop_from_page_caches(self, models: Sequence[str]) -> None:
        """Once the models are unloaded: what a process maps stays in the cache."""
        for model in models:
            while (await self.status())[model].replicas:  # noqa: ASYNC110
                await asyncio.sleep(1)  # Serve tells nobody when a replica is gone
            if folder := (await asyncio.to_thread(_get, f"load/{model}")).get("folder"):
                await _on_nodes(_drop, folder)

    def _status(self) -> dict[str, ModelStatus]:
        client = cast("ServeControllerClient", _get_global_client())
        deployments = client.get_serve_details()["applications"][self._application]["deployments"]
        found = {model: deployments[model]["replicas"] for model in MODELS}
        for model, replicas in found.items():
            replicas += self._lingering(model, replicas)
        return {model: _model_status(model, replicas) for model, replicas in found.items()}

    def _lingering(self, model: str, replicas: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Replicas that Serve has forgotten while their processes still end, and still hold memory, on this node."""
        here = ray.util.get_node_ip_address()
        known = self._seen[model] | {replica["replica_id"]: replica for replica in replicas}
        gone = {name: replica for name, replica in known.items() if not _alive(replica, here)}
        listed = {replica["replica_id"] for replica in replicas}
        self._seen[model] = {name: replica for name, replica in known.items() if name not in gone}
        return [replica | {"state": "STOPPING"} for name, replica in self._seen[model].items() if name not in listed]


async def _on_nodes(function: Callable[..., Any], *arguments: object, having: str = "CPU") -> list[Any]:
    """Calls a function with a node's address and the arguments on every node that has the resource."""
    nodes = [node for node in await asyncio.to_thread(ray.nodes) if node["Alive"] and node["Resources"].get(having)]
    task = ray.remote(function)
    # Without a CPU of their own: they must run however much is reserved there.
    return await asyncio.gather(
        *[
            task.options(
                num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(node["NodeManagerAddress"], *arguments)
            for node in nodes
        ]
    )


def _alive(replica: dict[str, Any], here: str) -> bool:
    pid = replica.get("pid")
    return pid is not None and replica.get("node_ip") == here and psutil.pid_exists(pid)


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
            models=tuple(claim.model for claim in claims if claim.gpu == gpu.uuid),
        )
        for gpu in reader.read()
    ]


def assigned_gpus() -> list[str]:
    """The ids of the GPUs that Ray gave this replica."""
    return [str(gpu) for gpu in ray.get_runtime_context().get_accelerator_ids()["GPU"]]


def record_load(model: str, seconds: float, failure: str | None, folder: Path | None, gpu: str | None = None) -> None:
    """Notes, in a replica that has tried to load its model, how that went and where the model is.

    Args:
        model: Its name.
        seconds: That the try took.
        failure: Why it failed.
        folder: Of the checkpoint.
        gpu: UUID of the GPU.
    """
    replica = serve.get_replica_context().replica_id.unique_id
    _put(
        f"load/{model}", {"seconds": None if failure else seconds, "failure": failure, "folder": folder and str(folder)}
    )
    _put(f"replica/{replica}", {"gpu": gpu})


def _model_status(model: str, replicas: list[dict[str, Any]]) -> ModelStatus:
    observed, load, orders = _get(f"observed/{model}"), _get(f"load/{model}"), _read_orders(model)
    statuses = tuple(
        ReplicaStatus(
            replica=replica["replica_id"],
            state=_STATES.get(replica["state"], "loading"),
            node=replica.get("node_ip") or "",
            pid=replica.get("pid"),
            gpu=_get(f"replica/{replica['replica_id']}").get("gpu"),
        )
        for replica in replicas
    )
    states = {status.state for status in statuses}
    order: tuple[State, ...] = ("ready", "loading", "draining")
    state: State = next((known for known in order if known in states), "unloaded")
    now = time.time()
    return ModelStatus(
        state=state,
        replicas=statuses,
        idle_seconds=max(0.0, now - observed.get("idle_since", now)) if state == "ready" else None,
        timeout_seconds=observed.get("timeout_s", 0.0) if orders.timeout_s is None else orders.timeout_s,
        pinned=orders.pin,
        ongoing=observed.get("ongoing", 0.0),
        queued=observed.get("queued", 0.0),
        last_load_seconds=load.get("seconds"),
        failure=load.get("failure"),
    )


def _read_orders(model: str) -> Orders:
    return Orders(**_get(f"orders/{model}"))


def _get(key: str) -> dict[str, Any]:
    value = _internal_kv_get(key, namespace=_NAMESPACE)
    record: dict[str, Any] = json.loads(value) if value else {}
    return record


def _put(key: str, record: dict[str, Any]) -> None:
    _internal_kv_put(key, json.dumps(record), overwrite=True, namespace=_NAMESPACE)
