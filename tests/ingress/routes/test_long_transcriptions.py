"""/v1/audio/transcriptions/long and the transcripts of jobs, with a scripted ear."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.audio.decoder import Decoder
from deployments.jobs.jobs import Jobs
from tests.ingress.conftest import client_of
from tests.support.clips import voice, wav_file
from tests.support.ear import Ear, hearing
from tests.support.noted import noted_service
from tests.support.refusal import refused

FORM = {"model": "whisper-1"}


@pytest.fixture
async def client(decoder: Decoder, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with jobs that hears the same in every block."""
    service = hearing(noted_service(decoder, tmp_path, max_job_recording=200), Ear("prompt"))
    jobs = Jobs(tmp_path / "jobs", service, delay=lambda attempt: 0)
    await jobs.start()
    async with client_of(replace(service, jobs=jobs)) as client:
        yield client
    await jobs.close()


async def transcribed(client: httpx.AsyncClient, seconds: float, **fields: Any) -> dict[str, Any]:
    clip = {"file": ("talk.wav", wav_file(voice(seconds)))}
    answer = await client.post("/v1/audio/transcriptions/long", data=FORM | fields, files=clip)
    assert answer.status_code == 202, answer.text
    url = answer.headers["location"]
    async with asyncio.timeout(60):
        async with client.stream("GET", f"{url}/events") as events:
            await events.aread()
    job: dict[str, Any] = (await client.get(url)).json()
    assert job["state"] == "done", job
    return job


async def test_a_long_recording_is_transcribed_a_minute_at_a_time(client: httpx.AsyncClient) -> None:
    job = await transcribed(client, 100)
    assert (job["kind"], job["title"], job["parts"], job["progress"]) == ("transcription", "talk.wav", 2, 1)
    found = (await client.get(f"/api/jobs/{job['id']}/transcript?format=verbose_json")).json()
    assert found["text"] == "Good morning. The train. Good morning. The train."
    assert [segment["start"] for segment in found["segments"]] == pytest.approx([0, 5.4])


@pytest.mark.parametrize("format", ["json", "text", "srt", "verbose_json", "vtt"])
async def test_a_transcript_has_every_format_as_that_of_a_short_recording(
    client: httpx.AsyncClient, format: str
) -> None:
    short = {"file": ("talk.wav", wav_file(voice(2)))}
    fields = {"response_format": format, "timestamp_granularities[]": ["word", "segment"]}
    expected = await client.post("/v1/audio/transcriptions", data=FORM | fields, files=short)
    assert expected.status_code == 200, expected.text
    job = await transcribed(client, 2, response_format=format)
    url = f"/api/jobs/{job['id']}/transcript"
    params = {"timestamp_granularities[]": ["word", "segment"]}
    found = await client.get(url, params=params)
    assert found.content == expected.content
    assert found.headers["content-type"] == expected.headers["content-type"]
    assert "prompt" in found.headers["x-warnings"]
    other = await client.get(url, params={"format": "text"})
    assert other.text == "Good morning. The train.\n"


async def test_what_cannot_be_transcribed_is_refused_at_once(client: httpx.AsyncClient) -> None:
    url = "/v1/audio/transcriptions/long"
    long = {"file": ("talk.wav", wav_file(voice(201)))}
    refused(await client.post(url, data=FORM, files=long), 400, "invalid_audio", "file", "200")
    broken = {"file": ("talk.wav", b"no audio")}
    refused(await client.post(url, data=FORM, files=broken), 400, "invalid_audio", "file", "")
    clip = {"file": ("talk.wav", wav_file(voice(1)))}
    refused(await client.post(url, data={"model": "no"}, files=clip), 404, "not_found", "model", "")
    refused(await client.get("/api/jobs/no/transcript"), 404, "not_found", "id", "no job")


async def test_speech_has_no_transcript_and_a_transcription_no_audio(client: httpx.AsyncClient) -> None:
    job = await transcribed(client, 1)
    refused(await client.get(f"/api/jobs/{job['id']}/audio"), 409, "conflict", "id", "transcribes")
    answer = await client.post("/v1/audio/speech/long", json={"input": "Hello.", "voice": "alloy"})
    refused(await client.get(f"{answer.headers['location']}/transcript"), 409, "conflict", "id", "speaks")
