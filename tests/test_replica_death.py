"""Replicas that are killed at work, on a real local Ray."""

import asyncio
import base64
import json
import os
import signal
from contextlib import suppress
from typing import Any

import httpx
import psutil
import pytest

from tests.support.clips import voice, wav_file
from tests.support.service import Running, both_ingresses, ingresses

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TEXT = "All work and no play makes Jack a dull boy, says the proverb. " * 3
BODY: dict[str, Any] = {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "pcm"}


async def kill(running: Running, model: str) -> int:
    """SIGKILL to the one replica of a model; returns its pid when it is gone."""
    return await end(await pid_of(running, model))


async def pid_of(running: Running, model: str, other_than: int | None = None) -> int:
    """The process of a model's one replica; waits until there is one, and until it is another one."""
    async with asyncio.timeout(60):
        while True:
            pids = [replica["pid"] for replica in (await running.models())[model]["replicas"] if replica["pid"]]
            if len(pids) == 1 and pids[0] != other_than:
                return int(pids[0])
            await asyncio.sleep(0.02)


async def end(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid):
            await asyncio.sleep(0.02)
    return pid


def controller() -> int:
    """The process of Serve's controller."""
    names = {process.pid: " ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)}
    (pid,) = [pid for pid, name in names.items() if name.startswith("ray::ServeController")]
    return pid


async def warmed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/gpu/warm", params={"wait": 120, "pin": True})
    assert answer.status_code == 200, answer.text


async def speech(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/audio/speech", json=BODY | fields)


@pytest.mark.parametrize("model", ["Llasa", "XCodec2"])
async def test_one_that_dies_before_the_first_byte_is_made_up_for(running: Running, model: str) -> None:
    async with running.client() as client:
        await warmed(client)
        alone = await speech(client, stream=False)
        assert alone.status_code == 200, alone.text
        # Not streamed, so that the kill surely comes before the first byte.
        task = asyncio.create_task(speech(client, stream=False))
        await running.engine_has(1, within=30)
        await kill(running, model)
        answer = await task
    assert answer.status_code == 200, answer.text
    assert answer.content == alone.content


async def test_whisper_that_dies_is_asked_again(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        clip = {"file": ("a.wav", wav_file(voice(150.0)))}
        alone = await client.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=clip)
        assert alone.status_code == 200, alone.text
        task = asyncio.create_task(client.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=clip))
        async with asyncio.timeout(30):
            while (await running.models())["Whisper"]["ongoing"] < 1 and not task.done():
                await asyncio.sleep(0.02)
        assert not task.done()
        await kill(running, "Whisper")
        answer = await task
    assert answer.status_code == 200, answer.text
    assert answer.json() == alone.json()


async def killed_meanwhile(running: Running, client: httpx.AsyncClient, model: str, **fields: Any) -> bytes:
    """The body of a speech in whose middle a model is killed."""
    parts: list[bytes] = []
    async with client.stream("POST", "/v1/audio/speech", json=BODY | fields) as answer:
        assert answer.status_code == 200
        async for part in answer.aiter_bytes():
            parts.append(part)
            if len(parts) == 1:
                await kill(running, model)
    return b"".join(parts)


async def test_events_after_the_first_byte_end_with_an_error(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        events = (await killed_meanwhile(running, client, "Llasa", stream_format="sse")).decode()
    assert "speech.audio.delta" in events
    assert '"code":"unavailable"' in events.rpartition("event: speech.audio.error")[2]
    assert "speech.audio.done" not in events


async def test_events_end_whole_or_with_an_error_when_the_codec_dies(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        whole = (await speech(client, stream_format="sse")).text
        events = (await killed_meanwhile(running, client, "XCodec2", stream_format="sse")).decode()
    # Between two decodes nothing is lost: the next one waits for the new replica.
    if "event: speech.audio.error" not in events:
        assert audio(events) == audio(whole)


def audio(events: str) -> bytes:
    """What the deltas hold."""
    data = [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]
    return b"".join(base64.b64decode(event.get("audio", "")) for event in data)


async def test_a_file_after_the_first_byte_breaks_off(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        with pytest.raises(httpx.RemoteProtocolError):
            await killed_meanwhile(running, client, "Llasa")
        await warmed(client)
        assert (await speech(client, input="Hello again.")).status_code == 200


async def test_a_voice_is_kept_for_every_later_use(running: Running) -> None:
    async with running.client() as client:
        form = {"name": "narrator", "consent": "my own", "ref_text": "A reference."}
        clip = {"audio_sample": ("a.wav", wav_file(voice(1.5)))}
        made = await client.post("/v1/audio/voices", data=form, files=clip)
        assert made.status_code == 200, made.text
        one = await speech(client, voice="narrator", input="Hello there.", stream=False)
        other = await speech(client, voice={"id": made.json()["id"]}, input="Hello there.", stream=False)
        assert one.content == other.content
        assert " encode;" not in one.headers["server-timing"]
        assert "transcribe;" not in one.headers["server-timing"]
        assert (await client.delete("/v1/audio/voices/narrator")).status_code == 200


async def test_what_is_measured_is_exported(running: Running) -> None:
    import ray

    async with running.client() as client:
        assert (await speech(client, input="Hello there.")).status_code == 200
    node = next(node for node in ray.nodes() if node["Alive"])
    url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    async with httpx.AsyncClient(timeout=60) as client, asyncio.timeout(60):
        while "ray_audio_ttfp_s_count" not in (text := (await client.get(url)).text):
            await asyncio.sleep(0.5)
    for name in ("requests_success_total", "audio_frames_total", "num_requests_running", "audio_rtf_bucket"):
        assert f"ray_{name}" in text, name


async def test_a_file_is_whole_or_breaks_off_when_the_codec_dies(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        whole = await speech(client)
        with suppress(httpx.RemoteProtocolError):  # it was decoding just then
            assert await killed_meanwhile(running, client, "XCodec2") == whole.content


async def test_a_transcript_on_its_way_ends_whole_or_with_an_error_when_whisper_dies(running: Running) -> None:
    clip = {"file": ("a.wav", wav_file(voice(150.0)))}
    fields = {"model": "whisper-1", "stream": "true"}
    events: list[dict[str, Any]] = []
    async with running.client() as client:
        await warmed(client)
        async with client.stream("POST", "/v1/audio/transcriptions", data=fields, files=clip) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                    if len(events) == 1:
                        await kill(running, "Whisper")
    if "error" in events[-1]:
        assert events[-1]["error"]["code"] == "unavailable"
    else:
        assert events[-1]["type"] == "transcript.text.done"


async def test_two_that_die_in_one_request_are_made_up_for(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        alone = await speech(client, stream=False)
        task = asyncio.create_task(speech(client, stream=False))
        await running.engine_has(1, within=30)
        first = await kill(running, "Llasa")
        await pid_of(running, "Llasa", other_than=first)
        await running.engine_has(1, within=60)
        await kill(running, "Llasa")
        answer = await task
    assert answer.status_code == 200, answer.text
    assert answer.content == alone.content


async def test_one_that_dies_while_it_loads_is_waited_for(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        gone = await kill(running, "Llasa")
        task = asyncio.create_task(speech(client, input="Hello there.", stream=False))
        # Serve tells the process before the model is loaded: imports alone take seconds.
        loading = await pid_of(running, "Llasa", other_than=gone)
        await end(loading)
        answer = await task
    assert answer.status_code == 200, answer.text


async def test_the_death_of_serves_controller_costs_no_request(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        alone = await speech(client, stream=False)
        task = asyncio.create_task(speech(client, stream=False))
        await running.engine_has(1, within=30)
        await end(controller())
        status, health, hello, answer = await asyncio.gather(
            client.get("/api/gpu/status"),
            client.get("/health"),
            speech(client, input="Hello there.", stream=False),
            task,
        )
        assert status.status_code == 200, status.text
        # Until the controller has asked all replicas how they are, they are said to be updating.
        assert health.status_code in (200, 503), health.text
        assert health.json()["deployments"].keys() == {"Ingress", "Llasa", "XCodec2", "Whisper", "Jobs"}
        assert hello.status_code == 200, hello.text
        assert answer.content == alone.content
        async with asyncio.timeout(60):
            while (await client.get("/health")).status_code != 200:
                await asyncio.sleep(0.1)


async def test_with_an_ingress_die_only_its_own_requests_and_they_are_told_to_come_back(running: Running) -> None:
    async with running.client() as client:
        await warmed(client)
        await both_ingresses()
        alone = await speech(client, stream=False)
        tasks = [asyncio.create_task(speech(client, stream=False)) for _ in range(6)]
        reads = asyncio.create_task(models_until(client, tasks))
        await running.engine_has(6, within=60)
        await end((await ingresses())[0])
        answers = await asyncio.gather(*tasks)
        lost = [answer for answer in answers if answer.status_code != 200]
        assert 0 < len(lost) < len(answers)
        for answer in lost:
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.json()["error"]["code"] == "unavailable"
        assert all(answer.content == alone.content for answer in answers if answer.status_code == 200)
        assert await reads > 0
        await both_ingresses()


async def models_until(client: httpx.AsyncClient, tasks: list[asyncio.Task[httpx.Response]]) -> int:
    """Reads all the time until the tasks are done; how often."""
    count = 0
    while not all(task.done() for task in tasks):
        answer = await client.get("/v1/models")
        assert answer.status_code == 200, answer.text
        count += 1
        await asyncio.sleep(0.01)
    return count


async def test_events_of_an_ingress_that_dies_end_with_an_error(running: Running) -> None:
    parts: list[str] = []
    async with running.client() as client:
        await warmed(client)
        async with client.stream("POST", "/v1/audio/speech", json=BODY | {"stream_format": "sse"}) as answer:
            async for part in answer.aiter_text():
                parts.append(part)
                if len(parts) == 1:
                    for pid in await ingresses():
                        await end(pid)
        assert '"code":"unavailable"' in "".join(parts).rpartition("event: speech.audio.error")[2]
        # None is up, but one that only reads is kept until one is.
        models = await client.get("/v1/models")
        assert models.status_code == 200, models.text
