"""Speech that fails before its first byte, or after."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest

from deployments.errors import ReplicaLost
from deployments.ingress.application import build_application
from deployments.service.retry import ATTEMPTS
from deployments.service.service import SpeechService
from deployments.synthesis.events import Audio, SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.synthesis.usage import Usage
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_speech import BODY
from tests.support.clips import voice
from tests.support.recorder import Recorder
from tests.support.refusal import refused

Stream = Callable[[SpeechRequest, Usage], AsyncGenerator[SpeechEvent, None]]


@pytest.fixture
def service(module_service: Callable[..., SpeechService]) -> Callable[..., SpeechService]:
    """All share their voices: the built-in one is made once."""
    return module_service


def losing(stream: Stream, after: int, times: int) -> tuple[Stream, list[int]]:
    """A stream whose replica dies after so many events that hold audio, so many times."""
    lost: list[int] = []

    async def broken(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        heard = 0
        async for event in stream(request, usage):
            if hasattr(event, "wav"):
                if heard == after and len(lost) < times:
                    lost.append(heard)
                    raise ReplicaLost("Llasa has stopped and is being restarted: try again.", retry_after_s=5)
                heard += 1
            yield event

    return broken, lost


@pytest.mark.parametrize("fields", [{}, {"stream": False}, {"stream_format": "sse"}], ids=str)
async def test_two_replicas_lost_before_the_first_byte_are_made_up_for(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    real = service()
    async with client_of(real) as client:
        before = await client.post("/v1/audio/speech", json=BODY | {"stream": False})
        broken, lost = losing(real.synthesizer.stream, after=0, times=2)
        monkeypatch.setattr(real.synthesizer, "stream", broken)
        answer = await client.post("/v1/audio/speech", json=BODY | fields)
    assert answer.status_code == 200
    assert lost == [0, 0]
    if "stream_format" not in fields:
        assert answer.content == before.content


async def test_a_request_that_loses_every_replica_is_refused(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service()
    broken, lost = losing(real.synthesizer.stream, after=0, times=ATTEMPTS)
    monkeypatch.setattr(real.synthesizer, "stream", broken)
    async with client_of(real) as client:
        answer = await client.post("/v1/audio/speech", json=BODY)
    refused(answer, 503, "unavailable", None, "is being restarted")
    assert answer.headers["retry-after"] == "5"
    assert lost == [0] * ATTEMPTS
    assert isinstance(real.metrics, Recorder)
    assert real.metrics.counts["audio_skipped_requests_total", "unavailable"] == 1


async def test_one_lost_after_the_first_byte_ends_events_with_an_error_and_breaks_a_file_off(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service()
    broken, lost = losing(real.synthesizer.stream, after=1, times=2)
    monkeypatch.setattr(real.synthesizer, "stream", broken)
    async with client_of(real) as client:
        events = (await client.post("/v1/audio/speech", json=BODY | {"stream_format": "sse"})).text
    kinds = [line.removeprefix("event: ") for line in events.splitlines() if line.startswith("event: ")]
    assert kinds == ["speech.audio.delta", "speech.audio.error"]
    last = json.loads(events.splitlines()[-2].removeprefix("data: "))
    assert last["error"]["code"] == "unavailable"
    transport = httpx.ASGITransport(build_application(real))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(RuntimeError) as broke:
            await client.post("/v1/audio/speech", json=BODY)
    assert isinstance(broke.value.__cause__, ReplicaLost)
    assert lost == [1, 1]
    assert isinstance(real.metrics, Recorder)
    assert real.metrics.counts["audio_interrupted_requests_total", "unavailable"] == 2


@pytest.mark.parametrize("fields", [{}, {"stream_format": "sse"}], ids=str)
async def test_speech_that_is_cut_off_is_counted_by_its_reason(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    real = service(request_timeout=5)
    heard = asyncio.Event()

    async def stuck(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        yield Audio(voice(0.5))
        heard.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(real.synthesizer, "stream", stuck)
    async with client_of(real) as client:
        gone = asyncio.create_task(client.post("/v1/audio/speech", json=BODY | fields))
        async with asyncio.timeout(60):
            await heard.wait()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        late = await client.post("/v1/audio/speech", json=BODY | {"stream_format": "sse"})
    assert '"code":"timeout"' in late.text
    assert isinstance(real.metrics, Recorder)
    for reason in ("cancelled", "timeout"):
        assert real.metrics.counts["audio_interrupted_requests_total", reason] == 1


async def test_an_unexpected_end_of_events_leaks_nothing(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service()
    stream = real.synthesizer.stream

    async def broken(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        async for event in stream(request, usage):
            yield event
            if hasattr(event, "wav"):
                raise RuntimeError("secret /path")

    monkeypatch.setattr(real.synthesizer, "stream", broken)
    async with client_of(real) as client:
        answer = await client.post("/v1/audio/speech", json=BODY | {"stream_format": "sse"})
    assert '"code":"internal_error"' in answer.text
    assert "secret" not in answer.text
