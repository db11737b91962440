"""Clients that read a stream a byte a second, or not at all."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from scripts.bench.measurement import percentile
from scripts.chaos.case import Cases
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.recovery import settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service

_TEXT: Final = "The old man walked to the river, and his friend has seven good books. " * 12
_RECEIVE_BUFFER: Final = 4096


async def slow_readers(service: Service, options: Options) -> list[Row]:
    """Measures others' latency beside slow readers, and beside as many readers that take what comes."""
    cases = Cases()
    others = [cases.quick_speech, cases.quick_transcription]
    await service.warm()
    await service.learn(others, options.timeout)
    row = Row("slow-readers", before=service.resources())
    latencies: dict[str, float] = {}
    for pace, seconds_a_read in {"nobody": None, "quick readers": 0.0, "slow readers": 1.0}.items():
        count = 0 if seconds_a_read is None else options.clients
        async with _readers(service.url, count, seconds_a_read or 0.0):
            await asyncio.sleep(2 if count else 0)
            async with Load(service.url, [(2, others)], service.expected, options.timeout, options.seed) as load:
                await asyncio.sleep(options.seconds / 3)
        row.count(load.results)
        right = [result.latency for result in load.results if result.outcome is Outcome.RIGHT]
        latencies[pace] = percentile(right, 50) if right else options.timeout
    row.after = await settled(service)
    report = ", ".join(f"{latency:.2f} s beside {pace}" for pace, latency in latencies.items())
    row.notes.append(f"{options.clients} readers; latency p50 of two other clients: {report}.")
    return [row]


@asynccontextmanager
async def _readers(url: str, count: int, pause: float) -> AsyncIterator[None]:
    """Readers of long speeches; those with a pause read a byte after each, and every second one reads nothing."""
    tasks = [
        asyncio.create_task(_read(url, pause, seed, silent=bool(pause) and seed % 2 == 0)) for seed in range(count)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(url: str, pause: float, seed: int, *, silent: bool) -> None:
    parts = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(connection, (parts.hostname, parts.port or 80))
        while True:
            await loop.sock_sendall(connection, _request(parts.netloc, seed))
            while await loop.sock_recv(connection, 1 if pause else 65_536):  # noqa: ASYNC110 - reads
                await asyncio.sleep(1e6 if silent else pause)
    finally:
        with contextlib.suppress(OSError):
            connection.close()


def _request(host: str, seed: int) -> bytes:
    body = json.dumps(
        {
            "model": "tts-1",
            "voice": "alloy",
            "input": _TEXT,
            "seed": seed,
            "response_format": "pcm",
            "sample_rate": 48_000,
        }
    ).encode()
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
