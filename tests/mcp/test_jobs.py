"""Jobs as tools, over HTTP and with files."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from deployments.audio.decoder import Decoder
from deployments.jobs.jobs import Jobs
from deployments.mcp.files import AllowedFolders
from deployments.mcp.server import build_server
from deployments.service.job_desk import LocalJobs
from tests.support.clips import voice, wav_file
from tests.support.ear import Ear, hearing
from tests.support.noted import noted_service
from tests.support.served import served
from tests.support.serving import application_with_jobs
from tests.support.tools import JOB_TOOLS, refused, told


async def done(assistant: Client, id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            result = await assistant.call_tool("get_job", {"id": id})
            assert not result.is_error, told(result)
            assert result.structured_content
            job: dict[str, Any] = result.structured_content["job"]
            if job["state"] == "done":
                return job
            await asyncio.sleep(0.05)


@pytest.fixture
async def local(decoder: Decoder, tmp_path: Path) -> AsyncIterator[Client]:
    """The tools of a service with files of a folder, as over stdio."""
    service = hearing(noted_service(decoder, tmp_path), Ear())
    jobs = Jobs(tmp_path / "jobs", service, delay=lambda attempt: 0)
    await jobs.start()
    files = AllowedFolders([tmp_path / "allowed"])
    (tmp_path / "allowed").mkdir()
    yield Client(build_server(service, 10_000_000, files, LocalJobs(service, jobs, service.settings)))
    await jobs.close()


async def test_a_document_is_spoken_and_saved(local: Client, tmp_path: Path) -> None:
    document, output = tmp_path / "allowed" / "story.md", tmp_path / "allowed" / "story.srt"
    document.write_text("# One\n\nIt was night.")
    async with local as assistant:
        created = await assistant.call_tool(
            "create_job",
            {"input": "", "voice": "alloy", "document_path": str(document), "file_format": "flac", "loudness": "ebu"},
        )
        assert created.structured_content, told(created)
        id = created.structured_content["job"]["id"]
        job = await done(assistant, id)
        assert [chapter["title"] for chapter in job["chapters"]] == ["One"]
        saved = await assistant.call_tool("save_job", {"id": id, "output_path": str(output), "format": "srt"})
        assert saved.structured_content == {"output_path": str(output), "bytes": output.stat().st_size}
        assert "It was night." in output.read_text()
        refused(await assistant.call_tool("save_job", {"id": id, "output_path": "/etc/x"}), "outside the folders")
        refused(await assistant.call_tool("change_job", {"id": id, "action": "pause"}), "The job is done")
        deleted = await assistant.call_tool("change_job", {"id": id, "action": "delete"})
        assert deleted.structured_content
        assert deleted.structured_content["job"]["state"] == "cancelled"
        refused(await assistant.call_tool("get_job", {"id": id}), "no job")


async def test_an_assistant_sees_the_chapters_and_chooses_some(local: Client, tmp_path: Path) -> None:
    document = tmp_path / "allowed" / "story.md"
    document.write_text("# One\n\nIt was night.\n\n# Two\n\nIt was day.")
    async with local as assistant:
        outlined = await assistant.call_tool("outline_document", {"document_path": str(document)})
        assert outlined.structured_content, told(outlined)
        assert [each["title"] for each in outlined.structured_content["outline"]["chapters"]] == ["One", "Two"]
        order = {"input": "", "voice": "alloy", "document_path": str(document)}
        created = await assistant.call_tool("create_job", order | {"chapters": [2]})
        assert created.structured_content, told(created)
        assert [each["title"] for each in created.structured_content["job"]["chapters"]] == ["Two"]
        refused(await assistant.call_tool("create_job", order | {"chapters": [3]}), "no chapter 3")


async def test_a_long_recording_is_transcribed(local: Client, tmp_path: Path) -> None:
    recording = tmp_path / "allowed" / "talk.wav"
    recording.write_bytes(wav_file(voice(90)))
    async with local as assistant:
        created = await assistant.call_tool("transcribe_recording", {"audio_path": str(recording)})
        assert created.structured_content, told(created)
        job = created.structured_content["job"]
        assert (job["kind"], job["title"], job["parts"]) == ("transcription", "talk.wav", 2)
        await done(assistant, job["id"])
        for arguments, text in (({}, "Good morning. The train. Good"), ({"format": "srt"}, "00:00:05,400 --> ")):
            found = await assistant.call_tool("get_transcript", {"id": job["id"], **arguments})
            assert found.structured_content, told(found)
            assert text in found.structured_content["transcript"]
        refused(await assistant.call_tool("transcribe_recording", {}), "Give a clip")
        refused(await assistant.call_tool("get_transcript", {"id": "no"}), "no job")


@pytest.mark.parametrize(("language", "code"), [("German", "de"), ("en-US", "en"), ("auto", None)])
async def test_a_language_may_be_a_name_or_have_a_region(
    decoder: Decoder, tmp_path: Path, language: str, code: str | None
) -> None:
    ear = Ear()
    clip = base64.b64encode(wav_file(voice(2.0))).decode()
    async with Client(build_server(hearing(noted_service(decoder, tmp_path), ear), 10_000_000)) as assistant:
        result = await assistant.call_tool("transcribe_audio", {"audio_base64": clip, "language": language})
        assert not result.is_error, told(result)
    assert [asked["language"] for asked in ear.asked] == [code]


@asynccontextmanager
async def assistant_of(url: str, key: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key}, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as assistant,
    ):
        yield assistant


async def test_over_http_each_key_has_its_own_jobs_and_no_paths(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, api_keys="ann=a,bob=b")
    with served(application_with_jobs(service, tmp_path / "jobs")) as url:
        async with assistant_of(url, "a") as ann, assistant_of(url, "b") as bob:
            assert {tool.name for tool in (await ann.list_tools()).tools} >= JOB_TOOLS
            created = await ann.call_tool("create_job", {"input": "It was night.", "voice": "alloy"})
            assert created.structured_content, told(created)
            id = created.structured_content["job"]["id"]
            await done(ann, id)
            for tool, arguments in (("get_job", {}), ("change_job", {"action": "delete"})):
                refused(await bob.call_tool(tool, {"id": id, **arguments}), "no job")
            listed = [await each.call_tool("list_jobs", {}) for each in (ann, bob)]
            counts = [len(each.structured_content["jobs"]) for each in listed if each.structured_content]
            assert counts == [1, 0]
            path = str(tmp_path / "x.m4b")
            refused(await ann.call_tool("save_job", {"id": id, "output_path": path}), "over stdio only")
            document = {"input": "", "voice": "alloy", "document_path": "/etc/passwd"}
            refused(await ann.call_tool("create_job", document), "over stdio only")
