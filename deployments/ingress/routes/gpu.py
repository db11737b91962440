"""/api/gpu: where the models are loaded, and requests to move them."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, FiniteFloat

from deployments.ingress.responses.exception_handlers import RESPONSES
from deployments.residency.protocol import GpuStatus, Model, ModelStatus, models_of
from deployments.service.service import SpeechService

_POLL_S = 0.25

_ModelName = Annotated[Model | None, Query(description="Name of the model; default all.")]
Wait = Annotated[
    FiniteFloat,
    Query(ge=0, le=3600, description="Seconds to wait until it is done. The status is 202 if it is not."),
]


class ResidencyStatus(BaseModel):
    """Where the models are loaded."""

    models: dict[str, ModelStatus]


class Status(ResidencyStatus):
    """Where the models are loaded, and the GPUs of the cluster."""

    gpus: list[GpuStatus]


class Order(ResidencyStatus):
    """An accepted order, and where the models are now."""

    done: bool = Field(description="Whether the order has been carried out.")


def gpu_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    router = APIRouter(prefix="/api/gpu", tags=["gpu"])
    answers: dict[int | str, dict[str, Any]] = {
        401: RESPONSES[401],
        422: RESPONSES[422],
        202: {"model": Order, "description": "Under way."},
    }

    async def carried_out(
        response: Response, model: str | None, wait: float, true: Callable[[ModelStatus], bool]
    ) -> Order:
        models = models_of(model)
        deadline = time.monotonic() + wait
        while True:
            status = await service.models()
            done = all(true(status[model]) for model in models)
            if done or time.monotonic() >= deadline:
                response.status_code = 200 if done else 202
                return Order(models={model: status[model] for model in models}, done=done)
            await asyncio.sleep(_POLL_S)

    @router.get("/status", summary="Status of the models and GPUs")
    async def status() -> Status:
        found = await service.residence()
        return Status(models=found.models, gpus=found.gpus)

    @router.post("/offload", summary="Let models sleep in host memory", responses=answers)
    async def offload(response: Response, model: _ModelName = None, wait: Wait = 0) -> Order:
        await service.offload(model, release=False)
        return await carried_out(response, model, wait, _off_gpu)

    @router.post("/release", summary="Unload models and drop their weights from host memory", responses=answers)
    async def release(response: Response, model: _ModelName = None, wait: Wait = 0) -> Order:
        await service.offload(model, release=True)
        return await carried_out(response, model, wait, _gone)

    @router.post("/warm", summary="Load or wake models in advance", responses=answers)
    async def warm(
        response: Response,
        model: _ModelName = None,
        wait: Wait = 0,
        pin: Annotated[bool, Query(description="Keep them loaded until they are offloaded.")] = False,
    ) -> Order:
        await service.warm(model, pin=pin)
        return await carried_out(response, model, wait, lambda status: status.state == "ready")

    @router.post("/timeout", summary="Change the idle timeout of models", responses=answers)
    async def timeout(
        response: Response, seconds: Annotated[FiniteFloat, Query(ge=0)], model: _ModelName = None, wait: Wait = 0
    ) -> Order:
        await service.set_timeout(model, seconds)
        return await carried_out(response, model, wait, lambda status: status.timeout_seconds == seconds)

    return router


def _off_gpu(status: ModelStatus) -> bool:
    return all(replica.state == "asleep" for replica in status.replicas)


def _gone(status: ModelStatus) -> bool:
    return not status.replicas
