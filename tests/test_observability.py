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

from deployments.gpu.metrics import GAUGES, LOAD, LOAD_FAILURES
from scripts.dashboard import FILE, ROWS, dashboard, text
from tests.clips import voice, wav_file
from tests.service import Running, speak

EXPRESSIONS = [query.expression for panels in ROWS.values() for panel in panels for query in panel.queries]
QUERIED = {re.sub(r"_(bucket|count|sum)$", "", name) for e in EXPRESSIONS for name in re.findall(r"\bray_\w+", e)}
FAILURES = {"ray_model_load_failures_total"}
"""Exported once there has been one."""
GPUS = {name for name in QUERIED if name.startswith(("ray_node_gram_", "ray_node_gpus_"))}
"""Exported by Ray where there is a GPU."""


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


def test_ray_exports_the_gpu_metrics_that_are_queried() -> None:
    from ray.dashboard.modules.reporter.reporter_agent import METRICS_GAUGES

    assert GPUS
    assert {name.removeprefix("ray_") for name in GPUS} <= set(METRICS_GAUGES)


def test_failed_loads_are_counted_by_the_name_that_is_queried() -> None:
    assert {f"ray_{LOAD_FAILURES.name}"} == FAILURES


def test_every_gauge_of_residency_is_on_the_dashboard() -> None:
    assert {f"ray_{gauge.name}" for gauge in GAUGES} <= QUERIED


def test_the_readme_tells_of_every_metric_of_residency() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"`ray_{metric.name}`" in readme for metric in (*GAUGES, LOAD, LOAD_FAILURES))


@pytest.mark.cluster
async def test_a_running_service_exports_every_metric_that_is_queried(running: Running) -> None:
    expected = QUERIED - FAILURES - GPUS
    async with running.client() as client:
        assert (await speak(client, "Hello there.", 1)).status_code == 200
        fields = {"target_text": "Hello.", "ref_text": "A reference. " * 200}
        refused = await client.post("/api/tts", files={"audio": wav_file(voice(1.5))}, data=fields)
        assert refused.status_code == 400
        async with asyncio.timeout(90):
            while missing := expected - await scrape(client):
                print("not exported yet:", *sorted(missing))
                await asyncio.sleep(2)


async def scrape(client: httpx.AsyncClient) -> set[str]:
    """Names of what is exported to Prometheus, on the port that the service was told."""
    import ray

    [node] = ray.nodes()
    page = await client.get(f"http://{node['NodeManagerAddress']}:{os.environ['METRICS_PORT']}/metrics")
    return set(re.findall(r"^# TYPE (\S+) ", page.text, re.MULTILINE))


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
