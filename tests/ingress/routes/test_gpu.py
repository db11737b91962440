from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from deployments.errors import Unavailable
from deployments.residency.protocol import ReplicaStatus
from deployments.service.service import SpeechService
from tests.ingress.conftest import UNLOADED, Still, client_of
from tests.ingress.routes.test_tts import speak
from tests.support.refusal import refused

READY = replace(UNLOADED, state="ready", replicas=(ReplicaStatus("r", "ready", "node", 1, "GPU-1"),))


@pytest.fixture
def still() -> Still:
    return Still(Llasa=READY)


@pytest.fixture
def gpu_client(service: Callable[..., SpeechService], still: Still) -> httpx.AsyncClient:
    return client_of(replace(service(), residency=still))


async def test_status_tells_where_each_model_is(gpu_client: httpx.AsyncClient) -> None:
    status = (await gpu_client.get("/api/gpu/status")).json()
    assert [(gpu["uuid"], gpu["models"]) for gpu in status["gpus"]] == [("GPU-1", ["Llasa"])]
    models = status["models"]
    assert {name: model["state"] for name, model in models.items()} == {
        "Llasa": "ready",
        "XCodec2": "unloaded",
        "Whisper": "unloaded",
    }
    assert models["Llasa"]["replicas"][0]["gpu"] == "GPU-1"


@pytest.mark.parametrize(
    ("call", "order"),
    [
        ("offload", ("offload", "Llasa", "XCodec2", "Whisper")),
        ("offload?model=XCodec2", ("offload", "XCodec2")),
        ("release?model=Llasa", ("release", "Llasa")),
        ("warm?model=Whisper", ("warm", "Whisper", False)),
        ("warm?model=Whisper&pin=true", ("warm", "Whisper", True)),
        ("timeout?seconds=5", ("timeout", "Llasa", "XCodec2", "Whisper", 5.0)),
    ],
)
async def test_an_order_reaches_the_models_it_names(
    gpu_client: httpx.AsyncClient, still: Still, call: str, order: tuple[object, ...]
) -> None:
    answer = await gpu_client.post(f"/api/gpu/{call}")
    assert answer.status_code in (200, 202), answer.text
    assert still.orders == [order]


@pytest.mark.parametrize(("call", "done"), [("offload", True), ("release", False), ("warm", False)])
async def test_a_sleeping_model_has_been_offloaded_and_not_released(
    service: Callable[..., SpeechService], call: str, done: bool
) -> None:
    replica = ReplicaStatus("r", "asleep", "node", 1, "GPU-1")
    still = Still(Llasa=replace(UNLOADED, state="asleep", replicas=(replica,)))
    async with client_of(replace(service(), residency=still)) as client:
        answer = await client.post(f"/api/gpu/{call}?model=Llasa")
    assert answer.json()["done"] is done
    assert answer.json()["models"]["Llasa"]["state"] == "asleep"


async def test_an_order_that_is_not_carried_out_in_time_is_a_202(gpu_client: httpx.AsyncClient) -> None:
    done = await gpu_client.post("/api/gpu/offload?model=XCodec2")
    assert (done.status_code, done.json()["done"]) == (200, True)
    under_way = await gpu_client.post("/api/gpu/offload?model=Llasa&wait=0.3")
    assert (under_way.status_code, under_way.json()["done"]) == (202, False)


@pytest.mark.parametrize(
    ("call", "param"), [("offload?model=Bark", "model"), ("timeout?seconds=-1", "seconds"), ("timeout", "seconds")]
)
async def test_an_order_that_means_nothing_is_refused(gpu_client: httpx.AsyncClient, call: str, param: str) -> None:
    refused(await gpu_client.post(f"/api/gpu/{call}"), 422, "validation_error", param, "")


async def test_a_model_that_cannot_be_loaded_is_named_in_health(service: Callable[..., SpeechService]) -> None:
    broken = Still(Llasa=replace(UNLOADED, failure="There is no checkpoint folder /x."))
    async with client_of(replace(service(), residency=broken)) as client:
        answer = await client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["failures"] == {"Llasa": "There is no checkpoint folder /x."}


async def test_a_request_whose_models_do_not_come_up_in_time_is_told_when_to_come_back(
    service: Callable[..., SpeechService], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(self: Still, models: list[str]) -> None:
        raise Unavailable("Llasa could not be loaded within 1 s: try again.", retry_after_s=10)

    monkeypatch.setattr(Still, "held", too_slow)
    async with client_of(service()) as client:
        answer = await speak(client, clip)
    refused(answer, 503, "unavailable", None, "could not be loaded")
    assert answer.headers["retry-after"] == "10"
