"""The service on a real local Ray, through its own HTTP port."""

import asyncio

import pytest

from tests.ingress.routes.test_tts_refusals import BAD_CLIPS
from tests.support.clips import voice, wav_file
from tests.support.refusal import refused
from tests.support.service import LONG, Running, speak

pytestmark = pytest.mark.cluster


async def test_eight_requests_share_one_engine_and_each_gets_its_own_answer(running: Running) -> None:
    texts = [f"Sentence number {n}." for n in range(8)]
    async with running.client() as client:
        alone = [await speak(client, text, seed) for seed, text in enumerate(texts[:4])]
        assert (await running.engine()).largest_batch == 1
        together = await asyncio.gather(*[speak(client, text, seed) for seed, text in enumerate(texts)])
    assert [answer.status_code for answer in together] == [200] * 8
    assert (await running.engine()).largest_batch > 4
    assert [answer.content for answer in together[:4]] == [answer.content for answer in alone]
    assert len({answer.content for answer in together}) == 8


async def test_another_seed_gives_other_bytes(running: Running) -> None:
    async with running.client() as client:
        one, other = await speak(client, "Hello there.", 1), await speak(client, "Hello there.", 2)
    assert one.content != other.content


async def test_a_client_that_leaves_frees_its_place_in_the_engine_within_a_second(running: Running) -> None:
    async with running.client() as client:
        leaving = asyncio.create_task(speak(client, LONG, 1))
        await running.engine_has(1, within=30)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    await running.engine_is_empty(within=1)


async def test_bad_requests_leave_nothing_behind(running: Running) -> None:
    async with running.client() as client:
        for file, message in BAD_CLIPS.values():
            answer = await client.post("/api/tts", files={"audio": file}, data={"target_text": "Hello."})
            refused(answer, 400, "invalid_audio", "audio", message)
        big_but_bad = await client.post("/api/tts", files={"audio": b"x" * 4_000_000}, data={"target_text": "Hello."})
        refused(big_but_bad, 400, "invalid_audio", "audio", "cannot be read as audio")
        no_text = await client.post("/api/tts", files={"audio": wav_file(voice())}, data={"target_text": " "})
        refused(no_text, 400, "invalid_text", "target_text", "The text is empty.")
        nan = await client.post(
            "/api/tts", files={"audio": wav_file(voice())}, data={"target_text": "Hi.", "temperature": "nan"}
        )
        refused(nan, 422, "validation_error", "temperature", "finite number")
        refused(await client.put("/api/tts"), 405, "method_not_allowed", None, "does not take PUT")
        await running.engine_is_empty(within=1)
        assert [left.name for left in running.temp_dir.iterdir() if not left.name.startswith("llasa-page-")] == []
        health = await client.get("/health")
    assert health.status_code == 200, health.text


async def test_an_endless_upload_is_cut_off_at_the_limit(running: Running) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    begin = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
    writer.write(
        b"POST /api/tts HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(begin), begin)
    )
    chunk = b"%x\r\n%b\r\n" % (1_000_000, bytes(1_000_000))
    async with asyncio.timeout(60):
        await send(writer, chunk, times=6)  # one more than is taken; no end of it is told
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"The request is larger than 5 MB." in answer
        with pytest.raises(ConnectionError):
            await send(writer, chunk, times=100)
    writer.close()


async def send(writer: asyncio.StreamWriter, chunk: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(chunk)
        await writer.drain()


async def test_a_declared_gigabyte_is_refused_before_it_is_sent(running: Running) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/tts HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 1000000000\r\n\r\n--b\r\n"
    )
    async with asyncio.timeout(10):
        status = await reader.readline()
    writer.close()
    assert b"413" in status


async def test_every_deployment_is_healthy(running: Running) -> None:
    async with running.client() as client:
        health = (await client.get("/health")).json()
    assert health["status"] == "healthy"
    assert health["deployments"] == dict.fromkeys(["Llasa", "XCodec2", "Whisper", "Ingress", "Jobs"], "healthy")
