"""The page on a real local Ray, beside the service that it asks."""

import asyncio
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tests.support.service import LONG, Running

pytestmark = pytest.mark.cluster


async def test_the_page_is_below_ui_in_the_browsers_language(running: Running) -> None:
    async with httpx.AsyncClient(base_url=running.url, follow_redirects=True, timeout=60) as client:
        english = await client.get("/ui/", headers={"accept-language": "de, en"})
        chinese = await client.get("/ui/", headers={"accept-language": "zh-CN"})
    assert (str(english.url), english.status_code) == (f"{running.url}/ui/en/", 200)
    assert (str(chinese.url), chinese.status_code) == (f"{running.url}/ui/zh/", 200)


async def test_it_speaks_and_what_it_spoke_can_be_fetched(running: Running, tmp_path: Path) -> None:
    client = await asyncio.to_thread(Client, f"{running.url}/ui/", verbose=False, download_files=tmp_path)
    found = await asyncio.to_thread(client.predict, "Hello there.", "alloy", api_name="/generate")
    downloads = found[3]
    address = downloads.partition('href="')[2].partition('"')[0]
    assert address.startswith("/ui/takes/")
    async with running.client() as http:
        file = (await http.get(address)).content
    assert file[:4] == b"RIFF"


async def test_a_job_that_is_cancelled_frees_the_engine(running: Running, tmp_path: Path) -> None:
    client = await asyncio.to_thread(Client, f"{running.url}/ui/en/", verbose=False, download_files=tmp_path)
    job = client.submit(LONG * 3, "alloy", api_name="/generate")
    await running.engine_has(1, within=60)
    await asyncio.to_thread(job.cancel)
    await running.engine_is_empty(within=5)
