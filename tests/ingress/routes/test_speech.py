"""What the OpenAI SDK does not show of POST /v1/audio/speech."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest

from deployments.ingress.application import build_application
from deployments.service.service import SpeechService
from deployments.synthesis.events import SpeechEvent
from deployments.synthesis.synthesizer import SpeechRequest
from deployments.synthesis.usage import Usage
from tests.ingress.conftest import client_of
from tests.support.recorder import Recorder
from tests.support.refusal import refused

BODY: dict[str, Any] = {"model": "tts-1", "input": "Hello there.", "voice": "alloy", "response_format": "pcm"}


@pytest.fixture
def service(module_service: Callable[..., SpeechService]) -> Callable[..., SpeechService]:
    """All share their voices: the built-in one is made once."""
    return module_service


async def test_every_parameter_reaches_the_engine(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SpeechRequest] = []
    real = service()
    stream = real.synthesizer.stream

    def watched(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        asked.append(request)
        return stream(request, usage)

    monkeypatch.setattr(real.synthesizer, "stream", watched)
    fields = {"temperature": 0.5, "top_k": 7, "top_p": 0.25, "repetition_penalty": 1.5, "seed": 3}
    async with client_of(real) as client:
        answer = await client.post(
            "/v1/audio/speech", json=BODY | fields | {"normalise": False, "language": "fr", "strict": False}
        )
    assert answer.status_code == 200, answer.text
    (request,) = asked
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 7, 0.25)
    assert (sampling.repetition_penalty, sampling.seed) == (1.5, 3)
    assert (request.normalise, request.language) == (False, "fr")


async def test_sixty_at_once_on_a_queue_of_sixteen(service: Callable[..., SpeechService]) -> None:
    real = service(max_running_requests=4, max_queued_requests=16)
    async with client_of(real) as client:
        alone = await client.post("/v1/audio/speech", json=BODY | {"stream": False})
        async with asyncio.timeout(120):
            answers = await asyncio.gather(*[client.post("/v1/audio/speech", json=BODY) for _ in range(60)])
    assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 40}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.content == alone.content
        else:
            assert int(answer.headers["retry-after"]) > 0
    assert isinstance(real.metrics, Recorder)
    assert max(real.metrics.gauges["num_requests_running"]) == 4
    assert max(real.metrics.gauges["num_requests_waiting"]) == 16
    assert real.metrics.gauges["num_requests_running"][-1] == real.metrics.gauges["num_requests_waiting"][-1] == 0
    assert sum(n for (name, *_), n in real.metrics.counts.items() if name == "requests_success_total") == 21


async def test_a_flooding_key_does_not_starve_another(service: Callable[..., SpeechService]) -> None:
    real = service(max_running_requests=1, max_queued_requests=8, api_keys="flood=f,calm=c")
    async with client_of(real) as client:
        order: list[str] = []

        async def one(key: str) -> int:
            answer = await client.post("/v1/audio/speech", json=BODY, headers={"X-API-Key": key})
            if answer.status_code == 200:
                order.append(key)
            return answer.status_code

        await one("c")
        order.clear()
        async with asyncio.timeout(60):
            flood = [asyncio.create_task(one("f")) for _ in range(30)]
            while real.admission.waiting < 8:
                await asyncio.sleep(0)
            calm = [asyncio.create_task(one("c")) for _ in range(3)]
            assert await asyncio.gather(*calm) == [200] * 3
            statuses = Counter(await asyncio.gather(*flood))
    assert set(statuses) == {200, 429}
    assert order.index("c") <= 2
    assert order[:8].count("c") == 3


async def test_first_audio_takes_no_more_codes_of_a_long_text_than_of_a_short_one(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes of the first chunk, which is what first audio waits for; wall-clock says nothing here."""
    real = service()
    waited: list[int] = []
    stream = real.synthesizer.stream

    async def counted(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        first = True
        async for event in stream(request, usage):
            if first and hasattr(event, "wav"):
                first = False
                waited.append(usage.codes)
            yield event

    monkeypatch.setattr(real.synthesizer, "stream", counted)
    sentence = "The quick brown fox jumps over the lazy dog, and then it sleeps. "
    async with client_of(real) as client:
        for length in (100, 2_000):
            text = (sentence * 40)[:length]
            answer = await client.post("/v1/audio/speech", json=BODY | {"input": text, "max_new_tokens": 60})
            assert answer.status_code == 200, answer.text
    short, long = waited
    assert long <= 1.5 * short


async def test_a_client_that_leaves_frees_its_place(
    service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service()
    closed = asyncio.Event()
    stream = real.synthesizer.stream

    async def watched(request: SpeechRequest, usage: Usage) -> AsyncGenerator[SpeechEvent, None]:
        try:
            async for event in stream(request, usage):
                yield event
        finally:
            closed.set()

    monkeypatch.setattr(real.synthesizer, "stream", watched)
    application = build_application(real)
    body = json.dumps(BODY | {"input": "word " * 60}).encode()
    left = asyncio.Event()
    received = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        if message := next(received, None):
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            left.set()

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.3"},
        "method": "POST",
        "path": "/v1/audio/speech",
        "raw_path": b"/v1/audio/speech",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    async with asyncio.timeout(60):
        await application(scope, receive, send)
        await closed.wait()
    assert isinstance(real.metrics, Recorder)
    assert real.metrics.gauges["num_requests_running"][-1] == 0
    assert not any(name == "requests_success_total" for name, *_ in real.metrics.counts)


async def test_a_wrong_clip_or_none_is_told_by_its_field(service: Callable[..., SpeechService]) -> None:
    async with client_of(service()) as client:

        async def post(**fields: Any) -> httpx.Response:
            return await client.post("/v1/audio/speech", json=BODY | fields)

        refused(await post(ref_audio="http://127.0.0.1/"), 400, "invalid_input", "ref_audio", "Only data URLs")
        refused(await post(ref_audio="data:;base64,AAAA"), 400, "invalid_audio", "ref_audio", "cannot be read")
        refused(await post(voice=None), 400, "invalid_input", "voice", "Give a voice")
        refused(await post(inputs="x"), 422, "validation_error", "inputs", "There is no field inputs.")
        for field, status, param in (("\ud800", 422, None), ("input", 400, "input")):
            body = json.dumps(BODY | {field: "\ud800"})  # half a surrogate pair
            answer = await client.post("/v1/audio/speech", content=body, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
