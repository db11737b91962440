"""Jobs on a real local Ray."""

import asyncio
import os
import signal

import httpx
import pytest

from tests.support.service import Running, serve_details

pytestmark = pytest.mark.cluster

TEXT = "All work and no play makes Jack a dull boy, says the proverb."


async def jobs_process() -> int:
    """The process of the replica of the jobs, once it is up."""
    async with asyncio.timeout(60):
        while True:
            details = await serve_details()
            replicas = details["applications"]["llasa-serve"]["deployments"]["Jobs"]["replicas"]
            if running := [replica["pid"] for replica in replicas if replica["state"] == "RUNNING"]:
                return int(running[0])
            await asyncio.sleep(0.1)


async def test_a_part_that_is_spoken_when_the_jobs_die_is_broken_off_and_made_once(running: Running) -> None:
    body = {"input": TEXT, "voice": "alloy", "seed": 5}

    async def codes(*, kill: bool) -> int:
        """How many codes are made for a job of one part."""
        begun = (await running.engine()).codes
        answer = await client.post("/v1/audio/speech/long", json=body)
        assert answer.json()["parts"] == 1, answer.text
        await running.engine_has(1, within=60)
        if kill:
            os.kill(await jobs_process(), signal.SIGKILL)
        url = f"/api/jobs/{answer.json()['id']}"
        await done(client, url)
        made = (await running.engine()).codes - begun
        assert (await client.delete(url)).status_code == 200
        return made

    async with running.client() as client:
        await client.post("/api/gpu/warm", params={"wait": 120, "pin": True})
        await codes(kill=False)  # it also reads the voice
        alone, disturbed = await codes(kill=False), await codes(kill=True)
    assert alone <= disturbed < 1.5 * alone  # twice as many, if the part were spoken to its end for nobody


async def done(client: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(240):
        while (job := await client.get(url)).json().get("state") != "done":
            assert job.status_code in (200, 503), job.text
            await asyncio.sleep(0.1)


async def test_a_job_goes_on_when_the_replica_of_the_jobs_is_killed(running: Running) -> None:
    text = "\n\n".join(f"{name} ran." for name in ("Anna", "Bert", "Carl", "Dora"))
    async with running.client() as client:
        body = {"input": text, "voice": "alloy", "response_format": "wav"}
        answer = await client.post("/v1/audio/speech/long", json=body)
        assert answer.status_code == 202, answer.text
        url = f"/api/jobs/{answer.json()['id']}"
        os.kill(await jobs_process(), signal.SIGKILL)
        await done(client, url)
        assert (await client.get(url)).json()["parts_done"] == 4
        assert (await client.get(f"{url}/audio")).content[:4] == b"RIFF"
        assert (await client.delete(url)).status_code == 200
        assert (await client.get(url)).status_code == 404
