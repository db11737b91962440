import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from deployments.ingress.application import build_application
from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of


async def test_health_names_every_deployment(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert set(answer.json()["deployments"]) == {"Llasa", "XCodec2", "Whisper", "Ingress"}


async def test_a_model_that_is_waking_up_is_no_failure(service: Callable[..., SpeechService]) -> None:
    async def waking() -> dict[str, str]:
        return {"Llasa": "upscaling", "XCodec2": "downscaling", "Ingress": "healthy"}

    async with client_of(replace(service(), health=waking)) as client:
        assert (await client.get("/health")).status_code == 200


async def test_health_is_503_while_a_deployment_is_not_up(service: Callable[..., SpeechService]) -> None:
    async def one_down() -> dict[str, str]:
        return {"Llasa": "unhealthy", "Ingress": "healthy"}

    async with client_of(replace(service(), health=one_down)) as client:
        answer = await client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_root_leads_to_the_page_without_a_key(service: Callable[..., SpeechService], method: str) -> None:
    async with client_of(service(api_key="sk-one", docs_open=False)) as client:
        answer = await client.request(method, "/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/ui/")


def test_uploads_spill_to_where_temp_dir_says(
    service: Callable[..., SpeechService], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    build_application(service(temp_dir=tmp_path / "spill"))
    assert tempfile.gettempdir() == str(tmp_path / "spill")
    with tempfile.TemporaryFile():
        pass


async def test_the_openapi_document_is_valid_and_tells_of_forms_answers_and_failures(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    validate(document)
    operation = document["paths"]["/api/tts"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    form = document["components"]["schemas"][form["$ref"].rsplit("/", 1)[1]]
    assert set(form["required"]) == {"target_text"}  # and a clip or a voice
    assert form["properties"]["target_text"]["examples"]
    assert "audio/wav" in operation["responses"]["200"]["content"]
    assert {"400", "413", "422", "503"} <= set(operation["responses"])
    failure = operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"]
    assert failure.endswith("FailureEnvelope")


async def test_the_documentation_page_asks_no_other_host_for_anything(client: httpx.AsyncClient) -> None:
    page = await client.get("/apidocs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for quoted in page.text.split('"')[1::2]:
        if quoted.endswith((".js", ".css", ".png")):
            assert (await client.get(quoted)).status_code == 200, quoted
