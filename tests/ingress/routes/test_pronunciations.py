"""/v1/pronunciations, and what it changes in speech."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.audio.decoder import Decoder
from deployments.llasa.protocol import TakeRequest
from tests.ingress.conftest import client_of
from tests.support.noted import NotedService, noted_service
from tests.support.refusal import refused
from tests.support.scripted import ScriptedLM

ENTRY = {"term": "Nguyen", "replacement": "win", "language": None, "voice": None, "case": False}


@pytest.fixture
def lm() -> ScriptedLM:
    return ScriptedLM()


@pytest.fixture
def noted(decoder: Decoder, tmp_path: Path, lm: ScriptedLM) -> NotedService:
    return noted_service(decoder, tmp_path, lm=lm)


@pytest.fixture
async def client(noted: NotedService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(noted) as client:
        yield client


async def spoken(client: httpx.AsyncClient, lm: ScriptedLM, **fields: Any) -> list[TakeRequest]:
    body = {"model": "tts-1", "input": "Dr. Nguyen met Nguyens.", "voice": "alloy", "stream": False, **fields}
    answer = await client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.text
    takes, lm.requests = [take for take in lm.requests if take.ref_text], []
    return takes


async def test_an_entry_is_stored_changed_and_deleted(client: httpx.AsyncClient) -> None:
    stored = (await client.post("/v1/pronunciations", json=ENTRY)).json()
    assert {name: stored[name] for name in ENTRY} == ENTRY
    refused(await client.post("/v1/pronunciations", json=ENTRY), 409, "conflict", "term", "already")
    changed = await client.put(f"/v1/pronunciations/{stored['id']}", json=ENTRY | {"replacement": "wen"})
    assert (changed.json()["id"], changed.json()["replacement"]) == (stored["id"], "wen")
    moved = (await client.put(f"/v1/pronunciations/{stored['id']}", json=ENTRY | {"term": "Nguyễn"})).json()
    listed = (await client.get("/v1/pronunciations")).json()["data"]
    assert [entry["id"] for entry in listed] == [moved["id"]] != [stored["id"]]
    assert (await client.get(f"/v1/pronunciations/{moved['id']}")).json() == moved
    assert (await client.delete(f"/v1/pronunciations/{moved['id']}")).json()["deleted"]
    refused(await client.get(f"/v1/pronunciations/{moved['id']}"), 404, "not_found", "id", "There is no pronunciation")


async def test_what_is_exported_can_be_imported(client: httpx.AsyncClient) -> None:
    entries = [ENTRY, ENTRY | {"term": "gif", "replacement": "jif", "language": "en"}]
    assert len((await client.post("/v1/pronunciations/import", json=entries)).json()["data"]) == 2
    exported = (await client.get("/v1/pronunciations/export")).json()
    assert sorted(exported, key=lambda entry: entry["term"]) == entries
    assert (await client.post("/v1/pronunciations/import", json=exported)).status_code == 200
    assert len((await client.get("/v1/pronunciations")).json()["data"]) == 2


@pytest.mark.parametrize("id", ["nothing", "pron_" + "0" * 24, "..%2F..%2Fetc%2Fpasswd"])
async def test_an_id_that_does_not_exist_leads_nowhere(client: httpx.AsyncClient, id: str) -> None:
    for answer in (await client.get(f"/v1/pronunciations/{id}"), await client.delete(f"/v1/pronunciations/{id}")):
        assert answer.status_code == 404


async def test_stored_entries_change_what_is_spoken(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    await spoken(client, lm)  # makes the voice
    (before,) = await spoken(client, lm)
    await client.post("/v1/pronunciations", json=ENTRY)
    (after,) = await spoken(client, lm)
    assert "Nguyen met Nguyens" in before.text
    assert "win met Nguyens" in after.text  # whole words only


async def test_entries_of_a_request_take_precedence_over_stored_ones(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    await client.post("/v1/pronunciations", json=ENTRY)
    await spoken(client, lm)
    (take,) = await spoken(client, lm, pronunciations=[{"term": "nguyen", "replacement": "noo-yen"}])
    assert "noo-yen met" in take.text


async def test_an_entry_of_a_voice_is_for_that_voice_only(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    await client.post("/v1/pronunciations", json=ENTRY | {"voice": "nova"})
    for voice, expected in (("alloy", "Nguyen met"), ("nova", "win met")):
        await spoken(client, lm, voice=voice)
        (take,) = await spoken(client, lm, voice=voice)
        assert expected in take.text


async def test_an_entry_can_be_heard(client: httpx.AsyncClient, lm: ScriptedLM) -> None:
    stored = (await client.post("/v1/pronunciations", json=ENTRY)).json()
    answer = await client.post(f"/v1/pronunciations/{stored['id']}/speech?voice=nova")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    assert lm.requests[-1].text.strip(" .") == "win"
