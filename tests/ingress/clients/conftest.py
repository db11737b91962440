"""The service as clients of other people's software see it, with models that write down what they are asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.audio.decoder import Decoder
from tests.ingress.conftest import client_of
from tests.support.ear import Ear, hearing
from tests.support.noted import NotedService, noted_service


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    service = noted_service(decoder, tmp_path)
    return hearing(service, Ear())


@pytest.fixture
async def client(service: NotedService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client
