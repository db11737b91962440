"""When models are loaded: Serve's autoscaling by a policy of ours, and the orders that it obeys.

Orders and observations are records in Ray's internal key-value store, so that every ingress replica gives and sees the
same ones, and they outlast each of them.
"""

import asyncio
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import ray
from ray import serve
from ray.exceptions import RayTaskError
from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put
from ray.serve.config import AutoscalingContext
from ray.serve.context import _get_global_client
from ray.serve.handle import DeploymentHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.errors import ServiceError, Unavailable
from deployments.gpu.devices import GpuReader, NvmlReader
from deployments.gpu.lease import Leases
from deployments.gpu.protocol import MODELS, GpuStatus, ModelStatus, ReplicaStatus, State

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient

_NAMESPACE: Final = "llasa-serve"
_REFRESH_S: Final = 0.5
"""How old the policy's view of its orders may get. Serve asks it ten times a second, for every model."""
_STATES: Final[dict[str, State]] = {"RUNNING": "ready", "STOPPING": "draining"}


@dataclass(frozen=True, slots=True)
class Orders:
    """What a model has been told; times are seconds of the epoch."""

    timeout_s: float | None = None
    """None: as configured."""
    offload_at: float = 0.0
    drop_cache: bool = False
    warm_at: float = 0.0
    pin: bool = False


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


def decide(
    orders: Orders,
    state: dict[str, Any],
    *,
    now: float,
    timeout_s: float,
    running: int,
    demand: float,
    target: float,
) -> tuple[int, dict[str, Any]]:
    """The policy without its surroundings.

    Args:
        orders: The model's.
        state: What the last decision returned; empty at first.
        now: Seconds of the epoch.
        timeout_s: Idle seconds that a model is given.
        running: Replicas that are up.
        demand: Requests in the model or before it.
        target: Requests that a replica should have.

    Returns:
        Replicas wanted and the new state: since when the model is idle, and which orders have been carried out.
    """
    # Orders given before this policy first looked are of another life: the controller has been started anew.
    state.setdefault("offloaded", orders.offload_at)
    state.setdefault("warmed", orders.warm_at)
    # Serve does not ask while the first replica starts: the load must not count as idleness.
    if running == 0 or demand > 0 or not state.get("up"):
        state["idle_since"] = now
    state["up"] = running > 0
    if running == 0:
        state["offloaded"] = orders.offload_at
        return int(orders.pin or orders.warm_at > state["warmed"]), state
    state["warmed"] = orders.warm_at
    if orders.offload_at > state["offloaded"]:
        return 0, state  # Serve lets what runs end; what waits brings up the next replica
    if demand > 0:
        return max(1, math.ceil(demand / target)), state
    return int(orders.pin or now - state["idle_since"] < timeout_s), state


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
        nodes = [node for node in await asyncio.to_thread(ray.nodes) if node["Alive"] and node["Resources"].get("GPU")]
        read = ray.remote(_gpus_of)
        # Without a CPU of their own: they must run however much is reserved there.
        tasks = [
            read.options(
                num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(node["NodeManagerAddress"], self._reader)
            for node in nodes
        ]
        return [gpu for found in await asyncio.gather(*tasks) for gpu in found]

    async def offload(self, models: Sequence[str], *, drop_cache: bool = False) -> None:
        await self._order(models, offload_at=time.time(), drop_cache=drop_cache, pin=False)

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        await self._order(models, warm_at=time.time(), **({"pin": True} if pin else {}))

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        await self._order(models, timeout_s=seconds)

    async def _order(self, models: Sequence[str], **changes: Any) -> None:
        for model in models:
            orders = replace(await asyncio.to_thread(_read_orders, model), **changes)
            await asyncio.to_thread(_put, f"orders/{model}", asdict(orders))

    def _status(self) -> dict[str, ModelStatus]:
        client = cast("ServeControllerClient", _get_global_client())
        deployments = client.get_serve_details()["applications"][self._application]["deployments"]
        return {model: _model_status(model, deployments[model]["replicas"]) for model in MODELS}


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


def record_load(model: str, seconds: float, failure: str | None, gpu: str | None = None) -> None:
    """Notes, in a replica that has tried to load its model, how that went and where the model is."""
    replica = serve.get_replica_context().replica_id.unique_id
    _put(f"load/{model}", {"seconds": None if failure else seconds, "failure": failure})
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
