"""Upgrades under clients: changes of a running cluster, and a new service that takes the old one's place."""

import asyncio
import copy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

from cli.serve.config import read_config, service_application, service_arguments
from cli.serve.local import RAY_ENVIRONMENT
from scripts.bench.server import free_port
from scripts.chaos.case import Cases
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.recovery import until
from scripts.chaos.row import Row
from scripts.chaos.service import Service, launched, started

_UPGRADE_SECONDS: Final = 300
_APPLICATION: Final = "llasa-serve"
_LONG: Final = 200
"""Characters that a text may have after the change of that setting."""
_CLIENTS: Final = 4
"""Of whole requests, and half as many of streams."""


def _smaller_batch(config: dict[str, Any]) -> None:
    """Replaces every replica."""
    service_arguments(config)["profiles"] = {"nano": {"like": "nano", "takes": 8}}


def _shorter_texts(config: dict[str, Any]) -> None:
    """Changes a setting, which replaces every replica, too."""
    service_application(config)["runtime_env"] = {"env_vars": {"MAX_TEXT_LENGTH": str(_LONG)}}


def _third_ingress(config: dict[str, Any]) -> None:
    """Replaces nothing."""
    service_application(config)["deployments"][0]["num_replicas"] = 3


CHANGES: Final[tuple[tuple[Callable[[dict[str, Any]], None], bool], ...]] = (
    (_third_ingress, False),
    (_smaller_batch, True),
    (_shorter_texts, True),
)
"""Changes of the configuration, one on top of the other, and whether they replace the replicas."""


async def upgrade(options: Options) -> list[Row]:
    """Deploys one changed configuration after the other to a running cluster, by `serve deploy`."""
    row = Row("upgrade")
    with _cluster() as cluster:
        service, config = cluster.service, cluster.config()
        await asyncio.to_thread(cluster.deploy, config)
        await until(service.healthy, time.monotonic() + _UPGRADE_SECONDS)
        async with await _load(service, options) as load:
            job = await _start_job(service)
            for number, (change, replaces) in enumerate(CHANGES, 1):
                await _results(load, options.requests * number // (len(CHANGES) + 1))
                config = copy.deepcopy(config)
                change(config)
                before, sent, begin = await asyncio.to_thread(cluster.replicas), len(load.results), time.monotonic()
                await asyncio.to_thread(cluster.deploy, config)
                kept = before & await asyncio.to_thread(cluster.replicas)
                if kept != (set() if replaces else before):
                    row.violate(f"{change.__name__}: {len(kept)} of {len(before)} replicas were kept")
                row.notes.append(
                    f"{change.__name__.strip('_')}: {time.monotonic() - begin:.0f} s, with {len(load.results) - sent} "
                    f"requests; {len(before - kept)} of {len(before)} replicas replaced"
                )
            await _results(load, options.requests)
        row.count(load.results)
        row.notes.append(f"longest request: {max(result.latency for result in load.results):.1f} s")
        async with httpx.AsyncClient(base_url=service.url, timeout=options.timeout) as client:
            answer = await client.post("/v1/audio/speech", json={"input": "a" * (_LONG + 1), "voice": "alloy"})
            if not 400 <= answer.status_code < 500:
                row.violate(f"the changed setting has no effect: {answer.status_code} {answer.text[:200]}")
        row.recoveries.append(await _finished(service, job))
    return [row]


async def replace(options: Options) -> list[Row]:
    """Starts a second service, turns new requests to it, and stops the first."""
    row = Row("replace")
    with started() as old, started() as new:
        await new.warm()
        async with await _load(old, options) as load:
            await _results(load, options.requests // 2)
            load.url = new.url
            in_flight, begin = load.in_flight, time.monotonic()
            await asyncio.to_thread(old.stop)
            row.notes.append(
                f"{in_flight} requests in flight; the old service ended in {time.monotonic() - begin:.1f} s"
            )
            await _results(load, options.requests)
        row.count(load.results)
    return [row]


async def _load(service: Service, options: Options) -> Load:
    cases = Cases()
    await service.warm()
    # Short ones, and one of each other kind, so that most of the time goes into upgrades.
    whole = [*[cases.quick_speech] * 6, *cases.clones, cases.quick_transcription]
    await service.learn([*whole, *cases.streams], options.timeout)
    groups = [(_CLIENTS, whole), (_CLIENTS // 2, cases.streams)]
    return Load(service.url, groups, service.expected, options.timeout, options.seed)


async def _results(load: Load, count: int) -> None:
    await until(lambda: len(load.results) >= count, time.monotonic() + _UPGRADE_SECONDS)


async def _start_job(service: Service) -> str:
    """Creates a job of many parts, and returns its id."""
    text = "\n\n".join(f"This is part {number} of a book." for number in range(40))
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        answer = await client.post("/v1/audio/speech/long", json={"input": text, "voice": "alloy"})
        if answer.status_code >= 300:
            raise RuntimeError(f"No job was created: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["id"])


async def _finished(service: Service, job: str) -> float:
    """Waits for the end of a job, and returns the seconds.

    Raises:
        RuntimeError: it has failed.
    """
    begin = time.monotonic()

    async def done() -> bool:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            state = (await client.get(f"/api/jobs/{job}")).json()["state"]
        if state not in ("done", "queued", "running"):
            raise RuntimeError(f"The job is {state}.")
        return bool(state == "done")

    await until(done, begin + _UPGRADE_SECONDS)
    return time.monotonic() - begin


@dataclass(frozen=True)
class _Cluster:
    """A Ray cluster of one node, with the dashboard that `serve deploy` needs."""

    service: Service
    dashboard: str

    def config(self) -> dict[str, Any]:
        """Returns the shipped configuration, on this cluster's port."""
        config = read_config()
        config["http_options"]["port"] = urlsplit(self.service.url).port
        return config

    def deploy(self, config: dict[str, Any]) -> None:
        """Deploys a configuration, and waits until the cluster is as it says.

        Raises:
            RuntimeError: it was refused, or is not in place after a while.
        """
        assert self.service.folder  # noqa: S101 - as launched
        file = self.service.folder / "serve_config.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        begin = time.time()
        end = time.monotonic() + _UPGRADE_SECONDS
        command = [_program("serve"), "deploy", str(file), "--address", self.dashboard]
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            if time.monotonic() > end:
                raise RuntimeError(f"serve deploy failed: {done.stdout[-500:]}{done.stderr[-500:]}")
            time.sleep(1)
        while not self._in_place(begin):
            if time.monotonic() > end:
                raise RuntimeError("The configuration is not in place.")
            time.sleep(0.5)

    def replicas(self) -> set[str]:
        """Ids of the service's running replicas."""
        return {
            replica["replica_id"]
            for deployment in self._application()["deployments"].values()
            for replica in deployment["replicas"]
            if replica["state"] == "RUNNING"
        }

    def _in_place(self, since: float) -> bool:
        application = self._application()
        replicas = [one for deployment in application["deployments"].values() for one in deployment["replicas"]]
        return (
            application["status"] == "RUNNING"
            and application["last_deployed_time_s"] >= since
            and all(deployment["status"] == "HEALTHY" for deployment in application["deployments"].values())
            and all(replica["state"] == "RUNNING" for replica in replicas)
        )

    def _application(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.dashboard}/api/serve/applications/", timeout=60).json()
        found: dict[str, Any] = answer["applications"][_APPLICATION]
        return found


@contextmanager
def _cluster() -> Iterator[_Cluster]:
    dashboard, client, agent = free_port(), free_port(), free_port()
    # fmt: off
    command = [
        _program("ray"), "start", "--head", "--block", "--port", "0", "--include-dashboard", "true",
        "--dashboard-port", str(dashboard), "--ray-client-server-port", str(client),
        "--dashboard-agent-listen-port", str(agent), "--disable-usage-stats",
    ]
    # fmt: on
    with tempfile.TemporaryDirectory(prefix="llasa-ray-", ignore_cleanup_errors=True) as folder:
        # A folder of its own: Ray keeps the address of the machine's one cluster there.
        environment = RAY_ENVIRONMENT | {"RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": folder}
        with launched(command, environment) as service:
            yield _Cluster(service, f"http://127.0.0.1:{dashboard}")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
