"""The page on the real tiny models, without Ray, and a browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployments.ingress.backend import ServiceBackend
from deployments.ingress.service import Service
from tests.clips import voice, wav_file
from tests.conftest import Models
from tests.ingress.conftest import maker
from tests.served import served
from ui.application import build_application


@contextmanager
def page_of(service: Service) -> Iterator[str]:
    with served(build_application(ServiceBackend(service), service.settings)) as url:
        yield url


@pytest.fixture(scope="session")
def page_service(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Service:
    make: Callable[..., Service] = maker(models, tmp_path_factory.mktemp("page") / "voices")
    return make()


@pytest.fixture(scope="session")
def page(page_service: Service) -> Iterator[str]:
    """Address of the page."""
    with page_of(page_service) as url:
        yield url


@pytest.fixture(scope="session")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "reference.wav"
    path.write_bytes(wav_file(voice(1.5)))
    return path
