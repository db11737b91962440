"""The OpenAPI document of the service, made without models and without Ray."""

from typing import Any, cast
from unittest.mock import MagicMock

from deployments.ingress.application import build_application
from deployments.profiles import PROFILES
from deployments.service.service import SpeechService
from deployments.settings import Settings


def openapi() -> dict[str, Any]:
    """Returns the document that a running service serves at `/openapi.json`."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    stub = cast("Any", MagicMock())  # the routes call the service, their description does not
    service = SpeechService(
        synthesizer=stub,
        audio=stub,
        listener=stub,
        voices=stub,
        pronunciations=stub,
        health=stub,
        residency=stub,
        admission=stub,
        metrics=stub,
        profile=PROFILES["nano"],
        settings=settings,
        jobs=stub,
    )
    return build_application(service).openapi()
