"""What the front ends ask of the service, in this process and over HTTP, on the real tiny models."""

import base64
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from mcp import Client

from cli.client import RestClient
from deployments.errors import ReplicaLost
from deployments.llasa.protocol import CodeChunk, SpeechLM, TakeRequest
from deployments.service.backend import Backend, Clip
from deployments.service.delivery import SpeechResult
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService
from deployments.synthesis.synthesizer import Synthesizer
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.serving import served

GERMAN = "einundzwanzig"


class Overheard:
    """`SpeechLM` that remembers what it was asked."""

    def __init__(self, lm: SpeechLM) -> None:
        self._lm = lm
        self.asked: list[TakeRequest] = []

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        self.asked.append(request)
        async with aclosing(self._lm.generate(request)) as chunks:
            async for chunk in chunks:
                yield chunk


@pytest.fixture
def lm(models: Models) -> Overheard:
    return Overheard(models.lm)


@pytest.fixture
def overheard(service: Callable[..., SpeechService], models: Models, lm: Overheard) -> SpeechService:
    made = service()
    synthesizer = Synthesizer(lm, models.codec, models.transcriber, Still(), made.synthesizer.policy)
    return replace(made, synthesizer=synthesizer)


@pytest.fixture
def url(overheard: SpeechService) -> Iterator[str]:
    with served(overheard) as url:
        yield url


async def spoken(backend: Backend, params: SpeechParams, clip: bytes) -> SpeechResult:
    async with aclosing(backend.speak(params, Clip(clip))) as chunks:
        async for chunk in chunks:
            if chunk.result:
                return chunk.result
    raise AssertionError("a speech has no end")


async def test_takes_and_language_reach_the_model_in_this_process_and_over_http(
    overheard: SpeechService, lm: Overheard, url: str, clip: bytes
) -> None:
    params = SpeechParams(input="21", ref_text="A reference.", best_of=3, language="de")
    async with RestClient(url) as over_http:
        for backend in (overheard, over_http):
            lm.asked.clear()
            assert (await spoken(backend, params, clip)).duration > 0
            assert [GERMAN in request.text for request in lm.asked] == [True] * 3
            assert len({request.sampling.seed for request in lm.asked}) == 3


async def test_takes_and_language_reach_the_model_from_an_assistant(lm: Overheard, url: str, clip: bytes) -> None:
    reference = {"audio_base64": base64.b64encode(clip).decode(), "ref_text": "A reference."}
    async with Client(f"{url}/mcp", read_timeout_seconds=60) as assistant:
        arguments = {"input": "21", "best_of": 2, "language": "de", **reference}
        result = await assistant.call_tool("generate_speech", arguments)
        assert not result.is_error, result
        assert [GERMAN in request.text for request in lm.asked] == [True] * 2
        lm.asked.clear()
        assert (await assistant.call_tool("generate_speech", arguments | {"best_of": 9})).is_error
        assert (await assistant.call_tool("generate_speech", arguments | {"language": "Germanish"})).is_error
        assert not lm.asked


class Dying:
    """`SpeechLM` whose replica dies after its first codes, so many times."""

    def __init__(self, lm: SpeechLM, losses: int) -> None:
        self._lm = lm
        self.losses = losses
        self.asked = 0

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        self.asked += 1
        async with aclosing(self._lm.generate(request)) as chunks:
            async for chunk in chunks:
                yield chunk
                if self.asked <= self.losses:
                    raise ReplicaLost("Llasa has stopped.")


async def test_a_file_for_an_assistant_is_made_again_however_far_it_was(
    service: Callable[..., SpeechService], models: Models, clip: bytes
) -> None:
    made = service()
    lm = Dying(models.lm, losses=2)
    synthesizer = Synthesizer(lm, models.codec, models.transcriber, Still(), made.synthesizer.policy)
    backend = replace(made, synthesizer=synthesizer)
    params = SpeechParams(input="Hello.", ref_text="A reference.")
    assert (await spoken(backend, params, clip)).duration > 0
    assert lm.asked == 3
    assert made.admission.running == 0
