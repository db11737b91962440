"""The page on a real local Ray, beside the service that it asks."""

import asyncio
import re
from html import unescape
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

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


async def test_a_book_is_made_and_its_file_can_be_fetched(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "story.md"
    path.write_text("# One\n\nHello.\n\n# Two\n\nHello there.")
    client = await asyncio.to_thread(Client, f"{running.url}/ui/en/", verbose=False, download_files=tmp_path)
    await asyncio.to_thread(client.predict, handle_file(path), api_name="/read_book")
    id, _ = await asyncio.to_thread(client.predict, handle_file(path), [2], "A story", api_name="/start_book")
    async with asyncio.timeout(240):
        while "M4B" not in (listed := await _listed(client, id)):
            assert "A story" in listed
            await asyncio.sleep(0.5)
    address = unescape(re.findall(r'href="(.*?)"', listed)[0])
    async with running.client() as http:
        answer = await http.get(address, headers={"range": "bytes=4-7"})
        forged = await http.get(address.replace("owner=anyone", "owner=ann"))
    assert (answer.status_code, answer.content) == (206, b"ftyp")
    assert forged.status_code == 404
    await asyncio.to_thread(client.predict, id, api_name="/delete_job")


async def _listed(client: Client, chosen: str) -> str:
    return str((await asyncio.to_thread(client.predict, chosen, api_name="/jobs"))["props"]["jobs"])
