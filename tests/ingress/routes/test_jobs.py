"""/api/jobs and /v1/audio/speech/long, on scripted models."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import av
import httpx
import pytest

from deployments.audio.decoder import Decoder
from deployments.jobs.jobs import Jobs
from tests.ingress.conftest import client_of
from tests.support.clips import voice, wav_file
from tests.support.epubs import ONE, TWO, book
from tests.support.noted import noted_service
from tests.support.pictures import PNG
from tests.support.refusal import refused
from tests.support.scripted import ScriptedLM

Open = Callable[..., Any]
TEXT = "# One\n\nThe fox ran. It was 3 km.\n\n# Two\n\nThe dog slept."


@pytest.fixture
async def opened(decoder: Decoder, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens clients of one service with jobs, each with a key of its own."""

    async with AsyncExitStack() as stack:

        async def make(**changed: Any) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
            service = noted_service(decoder, tmp_path, api_keys="ann=a,bob=b", **changed)
            jobs = Jobs(tmp_path / "jobs", service, delay=lambda attempt: 0)
            await jobs.start()
            stack.push_async_callback(jobs.close)
            clients = [await stack.enter_async_context(client_of(replace(service, jobs=jobs))) for _ in range(2)]
            for client, key in zip(clients, "ab", strict=True):
                client.headers["X-API-Key"] = key
            return clients[0], clients[1]

        yield make


async def events(client: httpx.AsyncClient, id: str, **options: Any) -> list[dict[str, Any]]:
    async with asyncio.timeout(60), client.stream("GET", f"/api/jobs/{id}/events", **options) as answer:
        assert answer.status_code == 200
        return [json.loads(line[6:]) async for line in answer.aiter_lines() if line.startswith("data: ")]


async def spoken(client: httpx.AsyncClient, text: str = TEXT, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1/audio/speech/long", json={"input": text, "voice": "alloy", **fields})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
    await events(client, answer.json()["id"])
    job: dict[str, Any] = (await client.get(answer.headers["location"])).json()
    assert job["state"] == "done", job
    return job


def seconds(data: bytes) -> float:
    with av.open(BytesIO(data)) as file:
        return float(sum(frame.samples for frame in file.decode(audio=0)) / file.streams.audio[0].rate)


async def test_a_long_text_is_spoken_normalised_and_downloaded_whole_and_by_chapter(opened: Open) -> None:
    lm = ScriptedLM()
    client, _ = await opened(lm=lm)
    job = await spoken(client, response_format="mp3")
    assert "three kilometers" in " ".join(lm.finished)
    assert [chapter["title"] for chapter in job["chapters"]] == ["One", "Two"]
    whole = await client.get(f"/api/jobs/{job['id']}/audio")
    assert whole.headers["content-type"] == "audio/mpeg"
    assert seconds(whole.content) == pytest.approx(job["duration"], abs=0.1)
    chapter = await client.get(f"/api/jobs/{job['id']}/audio", params={"chapter": 2, "format": "wav"})
    assert seconds(chapter.content) == pytest.approx(job["chapters"][1]["duration"], abs=0.1)
    refused(await client.get(f"/api/jobs/{job['id']}/audio?chapter=3"), 404, "not_found", "chapter", "2 chapters")


async def test_a_book_is_uploaded_with_a_clip_of_the_voice(opened: Open) -> None:
    client, _ = await opened()
    files = {
        "file": ("tales.epub", book({"1.xhtml": ONE, "2.xhtml": TWO}, PNG)),
        "audio": ("me.wav", wav_file(voice(2))),
    }
    data = {"ref_text": "A reference.", "ref_check": "off", "author": "Me", "seed": "5"}
    answer = await client.post("/api/jobs", files=files, data=data)
    assert answer.status_code == 202, answer.text
    await events(client, answer.json()["id"])
    whole = await client.get(f"/api/jobs/{answer.json()['id']}/audio")
    with av.open(BytesIO(whole.content)) as file:
        assert [chapter["metadata"]["title"] for chapter in file.chapters()] == ["The Fox", "The Dog"]
        assert (file.metadata["title"], file.metadata["artist"]) == ("Two Tales", "Me")


async def test_captions_an_archive_and_the_loudness_of_a_job_are_served(opened: Open) -> None:
    client, _ = await opened()
    url = f"/api/jobs/{(await spoken(client, response_format='flac', loudness='-20', sample_rate=16_000))['id']}"
    captions = await client.get(f"{url}/audio", params={"format": "srt"})
    assert captions.headers["content-type"].startswith("application/x-subrip")
    assert "It was 3 km." in captions.text
    archive = await client.get(f"{url}/audio", params={"format": "zip"})
    assert archive.headers["content-type"] == "application/zip"
    with ZipFile(BytesIO(archive.content)) as file:
        assert [name for name in file.namelist() if name.endswith("flac")] == ["01 One.flac", "02 Two.flac"]
    measured = (await client.get(f"{url}/loudness")).json()
    assert measured["integrated"] == pytest.approx(-20, abs=0.5)
    assert (await client.get(f"{url}/loudness", params={"format": "srt"})).status_code == 422


async def test_ranges_of_the_file_are_served(opened: Open) -> None:
    client, _ = await opened()
    url = f"/api/jobs/{(await spoken(client, response_format='wav'))['id']}/audio"
    whole = await client.get(url)
    part = await client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    resumed = await client.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
    assert resumed.content == whole.content[100:]
    assert (await client.get(url, headers={"Range": f"bytes={len(whole.content)}-"})).status_code == 416


async def test_events_are_replayed_after_a_number(opened: Open) -> None:
    client, _ = await opened()
    job = await spoken(client)
    found = await events(client, job["id"])
    assert [event["number"] for event in found] == list(range(1, len(found) + 1))
    assert found[-1] == {"type": "job.state", "number": len(found), "state": "done"}
    assert await events(client, job["id"], params={"after": 2}) == found[2:]
    assert await events(client, job["id"], headers={"Last-Event-ID": "2"}) == found[2:]


async def test_another_key_sees_nothing(opened: Open) -> None:
    ann, bob = await opened()
    id = (await spoken(ann))["id"]
    assert [job["id"] for job in (await ann.get("/api/jobs")).json()] == [id]
    assert (await bob.get("/api/jobs")).json() == []
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/audio"),
        ("GET", "/audio?format=zip"),
        ("GET", "/loudness"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ):
        refused(await bob.request(method, f"/api/jobs/{id}{path}"), 404, "not_found", "id", "no job")


async def test_states_change_by_post_and_a_deleted_job_is_gone(opened: Open) -> None:
    client, _ = await opened()
    id = (await spoken(client))["id"]
    for change in ("pause", "resume", "retry"):
        refused(await client.post(f"/api/jobs/{id}/{change}"), 409, "conflict", "id", "is done")
    assert (await client.delete(f"/api/jobs/{id}")).json()["state"] == "cancelled"
    refused(await client.get(f"/api/jobs/{id}"), 404, "not_found", "id", "no job")


async def test_a_paused_job_has_no_audio_yet_and_its_followers_see_it_deleted(opened: Open) -> None:
    client, _ = await opened(max_running_requests=1)
    text = "\n\n".join(f"Paragraph {n}." for n in range(200))
    id = (await client.post("/v1/audio/speech/long", json={"input": text, "voice": "alloy"})).json()["id"]
    assert (await client.post(f"/api/jobs/{id}/pause")).json()["state"] == "paused"
    refused(await client.get(f"/api/jobs/{id}/audio"), 409, "conflict", "id", "Not all of the text")
    following = asyncio.create_task(events(client, id))
    await asyncio.sleep(0)
    await client.delete(f"/api/jobs/{id}")
    assert (await following)[-1] == {"type": "job.state", "state": "cancelled"}


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": " "}, 400, "input"),
        ({"input": "…"}, 400, "input"),
        ({"input": "Hello.", "voice": None}, 400, "voice"),
        ({"input": "Hello.", "voice": "nobody"}, 404, "voice"),
        ({"input": "Hello. [voice:nobody] Hi."}, 404, "voice"),
        ({"input": "Hello.", "response_format": "pcm"}, 422, "response_format"),
        ({"input": "Hello.", "temprature": 1}, 422, "temprature"),
        ({"input": "Hello.", "loudness": -3}, 422, "loudness"),
    ],
    ids=str,
)
async def test_bad_requests_make_no_job(opened: Open, fields: dict[str, Any], status: int, param: str) -> None:
    client, _ = await opened()
    answer = await client.post("/v1/audio/speech/long", json={"voice": "alloy", **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
    assert (await client.get("/api/jobs")).json() == []


async def test_a_longer_text_than_the_service_takes_is_refused(opened: Open) -> None:
    client, _ = await opened(max_job_length=20)
    await spoken(client, "It has twenty signs.")
    answer = await client.post("/v1/audio/speech/long", json={"input": "It has more than these.", "voice": "alloy"})
    refused(answer, 400, "invalid_text", "input", "a job may have 20")


async def test_a_file_that_is_no_book_is_refused(opened: Open) -> None:
    client, _ = await opened()
    for name, data in (("book.epub", b"PK"), ("book.exe", b"MZ"), ("book.txt", b"")):
        answer = await client.post("/api/jobs", files={"file": (name, data)}, data={"voice": "alloy"})
        assert answer.status_code == 400, answer.text
    both = await client.post("/api/jobs", files={"file": ("a.txt", b"Hi.")}, data={"voice": "alloy", "input": "Hi."})
    refused(both, 400, "invalid_input", "file", "not both")


async def test_live_speech_is_not_kept_waiting_by_a_job(opened: Open) -> None:
    lm = ScriptedLM()
    client, _ = await opened(lm=lm, max_running_requests=2)
    text = "\n\n".join(f"Paragraph {'x' * n}." for n in range(1, 100))
    id = (await client.post("/v1/audio/speech/long", json={"input": text, "voice": "alloy"})).json()["id"]
    body = {"model": "tts-1", "input": "Live.", "voice": "alloy"}
    answers = await asyncio.gather(*[client.post("/v1/audio/speech", json=body | {"seed": n}) for n in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    job = (await client.get(f"/api/jobs/{id}")).json()
    assert job["parts_done"] < job["parts"]


async def test_the_chapters_of_an_outline_can_be_chosen(opened: Open) -> None:
    client, _ = await opened()
    outlined = await client.post("/api/jobs/outline", data={"input": TEXT})
    assert outlined.status_code == 200, outlined.text
    assert [(each["number"], each["title"]) for each in outlined.json()["chapters"]] == [(1, "One"), (2, "Two")]
    job = await spoken(client, chapters=[2])
    assert [chapter["title"] for chapter in job["chapters"]] == ["Two"]
    epub = {"file": ("tales.epub", book({"1.xhtml": ONE, "2.xhtml": TWO}, PNG))}
    assert [each["title"] for each in (await client.post("/api/jobs/outline", files=epub)).json()["chapters"]] == [
        *("The Fox", "The Dog")
    ]
    for fields in ({"chapters": "2-2"}, {"chapters": ["2", "2"]}):
        answer = await client.post("/api/jobs", data={"voice": "alloy", **fields}, files=epub)
        assert answer.status_code == 202, answer.text
        assert [chapter["title"] for chapter in answer.json()["chapters"]] == ["The Dog"]


@pytest.mark.parametrize(
    ("chapters", "status", "message"),
    [
        ([3], 400, "There is no chapter 3"),
        ([], 422, "at least 1"),
        ("2-1", 422, "such as 1,3-5"),
    ],
)
async def test_chapters_that_cannot_be_chosen_are_refused(
    opened: Open, chapters: object, status: int, message: str
) -> None:
    client, _ = await opened()
    answer = await client.post("/v1/audio/speech/long", json={"input": TEXT, "voice": "alloy", "chapters": chapters})
    code = "invalid_input" if status == 400 else "validation_error"
    refused(answer, status, code, "chapters", message)
    assert (await client.get("/api/jobs")).json() == []


async def test_a_chapter_is_streamed(opened: Open) -> None:
    client, other = await opened()
    created = await client.post("/v1/audio/speech/long", json={"input": TEXT, "voice": "alloy"})
    url = f"/api/jobs/{created.json()['id']}"
    streamed = await client.get(f"{url}/stream", params={"chapter": 2, "format": "flac"})
    assert streamed.headers["content-type"] == "audio/flac"
    chapter = (await client.get(url)).json()["chapters"][1]
    assert chapter["parts_done"] == chapter["parts"]
    assert seconds(streamed.content) == pytest.approx(chapter["duration"], abs=0.01)
    refused(await client.get(f"{url}/stream", params={"chapter": 3}), 404, "not_found", "chapter", "2 chapters")
    refused(await other.get(f"{url}/stream"), 404, "not_found", "id", "no job")
