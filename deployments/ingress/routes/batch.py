"""POST /v1/audio/speech/batch: several texts in one request, in vLLM-Omni's shape."""

import asyncio
import base64
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from deployments.errors import ServiceError
from deployments.ingress.responses.exception_handlers import RESPONSES, Failure
from deployments.ingress.routes.models import check_model, speech_models
from deployments.service.bodies import ignored_header, parse
from deployments.service.delivery import complete
from deployments.service.json_speech import JsonSpeech
from deployments.service.service import SpeechService

_MOST: Final = 32
_AT_ONCE: Final = 4
"""Items of a batch that wait for a turn or are spoken at the same time."""


class BatchItem(JsonSpeech):
    """A text and how to speak it."""

    model: Annotated[str | None, Field(description="One of GET /v1/models.", examples=["tts-1"])] = None


class BatchBody(BatchItem):
    """The fields of a request: the items, and defaults for all of them."""

    input: Annotated[str, Field(description="Default text of the items.")] = ""
    items: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=_MOST,
            description="Each has an `input`, and any of the fields beside `items`, which are its defaults.",
            examples=[[{"input": "Hello."}, {"input": "Good morning.", "voice": "nova"}]],
        ),
    ]


class BatchResult(BaseModel):
    """The speech of an item, or the reason why it has none."""

    index: int
    status: Literal["success", "error"]
    audio_data: Annotated[str | None, Field(description="The file in base64.")] = None
    media_type: str | None = None
    sample_rate: Annotated[int | None, Field(description="Hz.")] = None
    duration: Annotated[float | None, Field(description="Seconds.")] = None
    seed: int | None = None
    warnings: list[str] = []
    error: Failure | None = None


class Batch(BaseModel):
    """The results, in the order of the items."""

    id: str
    results: list[BatchResult]
    total: int
    succeeded: int
    failed: int


def batch_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(prefix="/v1/audio/speech", tags=["openai"])

    async def result(index: int, values: dict[str, Any], client: str) -> BatchResult:
        try:
            item = parse(BatchItem, values)
            if item.model:
                check_model(item.model, speech_models(service.profile))
            data, spoken = await complete(service.speak(item, item.clip, caller=client))
        except ServiceError as error:
            failure = Failure(message=error.message, type=error.type, param=error.param, code=error.code)
            return BatchResult(index=index, status="error", error=failure)
        return BatchResult(
            index=index,
            status="success",
            audio_data=base64.b64encode(data).decode(),
            media_type=spoken.media_type,
            sample_rate=spoken.sample_rate,
            duration=round(spoken.duration, 3),
            seed=spoken.finished.seed,
            warnings=[*spoken.finished.warnings, *(f"{name} has no effect." for name in item.unused(service.profile))],
        )

    @router.post("/batch", summary="Generate speech of several texts", responses=RESPONSES)
    async def batch(body: BatchBody, request: Request, response: Response) -> Batch:
        client: str = request.state.client
        defaults = body.model_dump(exclude_unset=True, exclude={"items", *body.ignored})
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(index: int, item: dict[str, Any]) -> BatchResult:
            given = {name: value for name, value in item.items() if value is not None}
            async with slots:
                return await result(index, defaults | given, client)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, item)) for index, item in enumerate(body.items)]
        results = [task.result() for task in tasks]
        failed = sum(each.error is not None for each in results)
        response.headers.update(ignored_header(body.ignored))
        return Batch(
            id=f"batch_{uuid4().hex}",
            results=results,
            total=len(results),
            succeeded=len(results) - failed,
            failed=failed,
        )

    return router
