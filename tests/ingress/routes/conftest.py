"""What tests of the assistants' tools over HTTP share."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployments.service.service import SpeechService
from tests.support.serving import served


@pytest.fixture
def url(service: Callable[..., SpeechService]) -> Iterator[str]:
    with served(service()) as url:
        yield url


@pytest.fixture(scope="session")
def reference(clip: bytes) -> dict[str, Any]:
    return {"audio_base64": base64.b64encode(clip).decode(), "ref_text": "A reference."}
