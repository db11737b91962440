"""The models that are loaded before the first request."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from deployments.profiles import PROFILES
from deployments.service.service import SpeechService
from tests.ingress.conftest import Still


@pytest.mark.parametrize(
    ("profile", "loaded"), [("nano", ("Llasa", "XCodec2", "Whisper")), ("llasa-8b", ("Llasa", "XCodec2"))]
)
async def test_a_large_whisper_is_not_loaded_before_it_is_needed(
    service: Callable[..., SpeechService], profile: str, loaded: tuple[str, ...]
) -> None:
    residency = Still()
    await replace(service(residency), profile=PROFILES[profile]).warm_up()
    assert residency.orders == [("warm", *loaded, False)]
