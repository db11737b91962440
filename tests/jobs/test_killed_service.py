"""A job of the whole service, whose processes are killed again and again."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil
import pytest

from scripts.chaos.processes import Processes
from tests.support.documents import ROOT
from tests.support.ports import free_port
from tests.support.started import Started

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

KILLS: Final = ("jobs", "ingress", "llasa", "service", "jobs", "llasa", "ingress", "service", "jobs", "llasa")
PLACES: Final = ("garden", "river", "house", "school", "field", "town")
CHAPTERS: Final = "\n\n".join(
    f"# Chapter {chapter}\n\n" + "\n\n".join(f"{who} walked to the {place} after the rain." for place in PLACES)
    for chapter, who in enumerate(("Anna", "My brother", "The old man", "Our friend", "The child"), 1)
)
PARTS: Final = 5 * (len(PLACES) + 1)
BOOK: Final = {"input": CHAPTERS, "input_format": "markdown", "voice": "alloy", "seed": 7, "response_format": "m4b"}


class Service:
    """A service that may be killed and started again, with the same folders and port."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        folders = {f"{name.upper()}_DIR": str(folder / name) for name in ("jobs", "voices", "models_cache")}
        keys = "disturbed=sk-disturbed,undisturbed=sk-undisturbed"
        self.environment = {"PROFILE": "nano", "API_PORT": str(port), "API_KEYS": keys, **folders}
        self.url = f"http://127.0.0.1:{port}"
        self.parts = folder / "jobs" / "parts"

    def start(self) -> None:
        self.started = Started([sys.executable, "-m", "cli", "serve"], ROOT, self.environment)
        self.started.until("Ctrl-C stops it.", within=600)

    async def kill(self, part: str) -> None:
        """SIGKILL to all processes of a part; starts the whole service again if it was all of it."""
        processes = Processes(psutil.Process(self.started.process.pid))
        async with asyncio.timeout(120):
            while not (killed := [*processes] if part == "service" else processes.of(part)):
                await asyncio.sleep(0.05)
        for process in killed:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        if part == "service":
            self.started.end()
            _, alive = await asyncio.to_thread(psutil.wait_procs, processes.survivors(), 30)
            assert not alive
            await asyncio.to_thread(self.start)

    @asynccontextmanager
    async def client(self, key: str) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=120) as client:
            yield client

    def stored(self) -> dict[str, tuple[int, int]]:
        """The parts that are on the disk: which file each is, and when it was written."""
        found = {}
        for path in self.parts.glob("*/*.flac"):
            with suppress(FileNotFoundError):
                found[path.stem] = (path.stat().st_ino, path.stat().st_mtime_ns)
        return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    service.start()
    yield service
    service.started.end()


async def job(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """The state of a job, once the service answers."""
    async with asyncio.timeout(180):
        while True:
            with suppress(httpx.TransportError):
                answer = await client.get(f"/api/jobs/{id}")
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code in (500, 503), answer.text  # Serve's proxy may have no replica to ask
            await asyncio.sleep(0.2)


async def made(client: httpx.AsyncClient) -> str:
    """The id of a new job for the book."""
    answer = await client.post("/v1/audio/speech/long", json=BOOK)
    assert answer.status_code == 202, answer.text
    assert answer.json()["parts"] == PARTS
    return str(answer.json()["id"])


async def done(client: httpx.AsyncClient, id: str, parts: int) -> None:
    """Waits until a job has so many parts."""
    async with asyncio.timeout(600):
        while (found := await job(client, id))["parts_done"] < parts:
            assert found["state"] in ("queued", "running"), found
            await asyncio.sleep(0.05)


async def events(client: httpx.AsyncClient, id: str) -> list[str]:
    """The types of all events of a job that has ended."""
    answer = await client.get(f"/api/jobs/{id}/events")
    return [line for line in answer.text.splitlines() if line.startswith("event: ")]


@pytest.mark.parametrize("seed", [1])
async def test_a_job_survives_the_death_of_everything_with_the_bytes_of_an_undisturbed_one(
    service: Service, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    written: dict[str, tuple[int, int]] = {}
    async with service.client("sk-disturbed") as client:
        id = await made(client)
        for number, part in enumerate(KILLS, 1):
            await done(client, id, number * (PARTS - 5) // len(KILLS))
            await asyncio.sleep(rng.uniform(0, 1))
            await service.kill(part)
            stored = service.stored()
            assert written.items() <= stored.items(), f"a stored part was made again after {part} was killed"
            written = stored
        await done(client, id, PARTS)
        assert written.items() <= service.stored().items()
        disturbed = (await client.get(f"/api/jobs/{id}/audio")).raise_for_status().content
        found = await events(client, id)
        assert found.count("event: job.part") == PARTS
    async with service.client("sk-undisturbed") as client:
        id = await made(client)
        await done(client, id, PARTS)
        undisturbed = (await client.get(f"/api/jobs/{id}/audio")).raise_for_status().content
    assert len(service.stored()) == 2 * PARTS
    assert disturbed == undisturbed
