"""The HTTP application on the real tiny models, without Ray."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from deployments.ingress.application import build_application
from deployments.ingress.service import Service
from deployments.settings import Settings
from deployments.speech.synthesis import Synthesizer
from tests.clips import voice, wav_file
from tests.conftest import Models


async def all_healthy() -> dict[str, str]:
    return {"Llasa": "healthy", "XCodec2": "healthy", "Whisper": "healthy", "Ingress": "healthy"}


@pytest.fixture
def service(models: Models) -> Callable[..., Service]:
    """Makes a service with some settings changed."""

    def make(**settings: object) -> Service:
        synthesizer = Synthesizer(models.lm, models.codec, models.transcriber)
        return Service(synthesizer, models.transcriber, all_healthy, Settings(_env_file=None, **settings))  # type: ignore[arg-type, call-arg]

    return make


def client_of(service: Service) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build_application(service), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)


@pytest.fixture
async def client(service: Callable[..., Service]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service()) as client:
        yield client


@pytest.fixture(scope="session")
def clip() -> bytes:
    return wav_file(voice(1.5))
