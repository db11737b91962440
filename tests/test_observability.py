"""What a running service tells of itself: logs that one request can be followed through, and metrics."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deployments.cache_metrics import BYTES, HITS, MISSES
from deployments.residency.metrics import LOAD, LOAD_FAILURES
from deployments.residency.metrics import METRICS as MODEL_METRICS
from deployments.service.metrics import METRICS
from scripts.dashboard import FILE, ONCE, ROWS, Query, dashboard, text
from tests.support.clips import voice, wav_file
from tests.support.documents import read
from tests.support.service import LONG, Running, speak

REFERENCE = read("docs/reference/metrics.md")
QUERIES = [query for panels in ROWS.values() for panel in panels for query in panel.queries]
Labelled = tuple[str, str]
"""A series and a label of it, or none."""


def groups(query: Query) -> set[str]:
    return {label for by in re.findall(r"by \(([^)]+)\)", query.expression) for label in by.split(", ")}


def legend(query: Query) -> set[str]:
    return set(re.findall(r"{{(\w+)}}", query.legend))


def queried(query: Query) -> set[Labelled]:
    """What must be exported for a query to show something, and to tell apart what it is to."""
    names = re.findall(r"\bray_\w+", query.expression)
    return {(name, label) for name in names for label in groups(query) | legend(query) | {""}}


QUERIED = set[Labelled]().union(*map(queried, QUERIES))
GPUS = {labelled for labelled in QUERIED if labelled[0].startswith(("ray_node_gram_", "ray_node_gpus_"))}
"""Exported by Ray where there is a GPU."""
CACHES = {f"{kind.name} {cache}" for kind in (HITS, MISSES) for cache in ("references", "voices", "prompts")} | {
    f"{BYTES.name} {cache}" for cache in ("references", "voices")
}


def test_the_dashboard_is_made_from_its_code() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not taken & cells
        assert grid["x"] + grid["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_every_panel_says_what_it_shows() -> None:
    for panels in ROWS.values():
        for panel in panels:
            assert panel.description
            assert panel.queries


def test_what_a_process_counts_once_is_not_asked_for_its_rate() -> None:
    for metric in ONCE:
        assert metric in {re.sub(r"_bucket$", "", name) for name, _ in QUERIED}
        assert not [query for query in QUERIES if re.search(rf"rate\({metric}\b|rate\({metric}_", query.expression)]
    assert {f"ray_{LOAD.name}", f"ray_{LOAD_FAILURES.name}"} <= set(ONCE)


def test_a_legend_names_what_the_query_keeps() -> None:
    for query in QUERIES:
        if groups(query):
            assert legend(query) <= groups(query)


def test_ray_exports_the_gpu_metrics_that_are_queried() -> None:
    from ray.dashboard.consts import GPU_TAG_KEYS
    from ray.dashboard.modules.reporter.reporter_agent import METRICS_GAUGES

    assert GPUS
    assert {name.removeprefix("ray_") for name, _ in GPUS} <= set(METRICS_GAUGES)
    assert {label for _, label in GPUS} <= {*GPU_TAG_KEYS, ""}


def test_every_metric_of_the_models_and_the_caches_is_on_the_dashboard() -> None:
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name, _ in QUERIED}
    assert {f"ray_{metric.name}" for metric in (*MODEL_METRICS, HITS, MISSES, BYTES)} <= shown


def test_every_metric_is_documented() -> None:
    for metric in (*MODEL_METRICS, HITS, MISSES, BYTES, *METRICS):
        assert f"`ray_{metric.name}`" in REFERENCE


@pytest.mark.cluster
async def test_a_running_service_exports_every_metric_that_is_queried(running: Running) -> None:
    async with running.client() as client:
        await a_load_that_fails(running, client)
        for _ in range(2):
            assert (await speak(client, "Hello there.", 1)).status_code == 200
            await client.post("/api/gpu/offload", params={"model": "Llasa", "wait": 60})  # the second wakes it
        await a_stored_voice_used_twice(client)
        fields = {"target_text": "Hello.", "ref_text": "A reference. " * 200}
        refused = await client.post("/api/tts", files={"audio": wav_file(voice(1.5))}, data=fields)
        assert refused.status_code == 400
        await a_listener_who_goes(client)
        async with asyncio.timeout(90):
            while missing := (QUERIED - GPUS | {(name, "") for name in CACHES}) - await scrape(client):
                print("not exported yet:", *sorted(missing))
                await asyncio.sleep(2)


async def a_load_that_fails(running: Running, client: httpx.AsyncClient) -> None:
    weights, away = running.llasa / "model.safetensors", running.llasa / "model.away"
    assert (await client.post("/api/gpu/offload?wait=120&model=Llasa")).json()["done"]
    weights.rename(away)
    try:
        assert (await speak(client, "Hello there.", 1)).status_code == 503
    finally:
        away.rename(weights)
    async with asyncio.timeout(60):
        while (await speak(client, "Hello there.", 1)).status_code != 200:
            await asyncio.sleep(0.5)


async def a_stored_voice_used_twice(client: httpx.AsyncClient) -> None:
    name = uuid4().hex
    fields = {"name": name, "consent": "my own", "ref_text": "A reference."}
    stored = await client.post("/v1/audio/voices", files={"audio_sample": wav_file(voice(1.5))}, data=fields)
    assert stored.status_code == 200, stored.text
    for _ in range(2):
        answer = await client.post("/v1/audio/speech", json={"model": "tts-1", "input": "Hello.", "voice": name})
        assert answer.status_code == 200, answer.text
    await client.delete(f"/v1/audio/voices/{name}")


async def a_listener_who_goes(client: httpx.AsyncClient) -> None:
    """In the middle of a speech."""
    fields = {"target_text": LONG * 5, "ref_text": "A reference.", "stream": "true"}
    files = {"audio": wav_file(voice(1.5))}
    async with client.stream("POST", "/api/tts", files=files, data=fields) as answer:
        assert answer.status_code == 200
        sound = 0
        async for data in answer.aiter_raw():
            sound += len(data)
            if sound > 1_000:  # more than a header
                break


async def scrape(client: httpx.AsyncClient) -> set[Labelled]:
    """What is exported to Prometheus, on the port that the service was told; and of which caches."""
    import ray

    [node] = ray.nodes()
    page = await client.get(f"http://{node['NodeManagerAddress']}:{os.environ['METRICS_PORT']}/metrics")
    found = set[Labelled]()
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            found |= {(sample.name, label) for label in ("", *sample.labels)}
            if cache := sample.labels.get("cache"):
                found.add((f"{sample.name.removeprefix('ray_')} {cache}", ""))
    return found


def log_lines(request: str) -> dict[str, list[dict[str, Any]]]:
    """Lines of the logs that tell a request's id, by the component that wrote them."""
    from ray._private.worker import _global_node

    assert _global_node
    folder = Path(_global_node.get_session_dir_path(), "logs", "serve")
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.log")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if request in line:
                entry = json.loads(line)
                assert entry["request_id"] == request
                found.setdefault(entry.get("deployment", entry["component_name"]), []).append(entry)
    return found


@pytest.mark.cluster
async def test_one_request_id_is_in_the_logs_of_all_replicas_that_it_touched(running: Running) -> None:
    request = f"from-a-client-{uuid4().hex}"
    async with running.client() as client:
        answer = await client.post(
            "/api/tts",
            headers={"X-Request-ID": request},
            files={"audio": wav_file(voice(1.5))},
            data={"target_text": "Hello there.", "random_seed": "1"},
        )
        assert answer.status_code == 200
        assert answer.headers["x-request-id"] == request
        replicas = {f"llasa-serve_{name}" for name in ("Ingress", "Llasa", "Whisper", "XCodec2")}
        async with asyncio.timeout(60):
            while (found := log_lines(request)).keys() != replicas | {"proxy"}:
                await asyncio.sleep(0.5)
    for entries in found.values():
        assert all({"asctime", "levelname", "message"} <= entry.keys() for entry in entries)


@pytest.mark.cluster
async def test_a_request_without_an_id_is_given_one_of_its_own(running: Running) -> None:
    async with running.client() as client:
        ids = [(await client.get("/health")).headers["x-request-id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(ids)
