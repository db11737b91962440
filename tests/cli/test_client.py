"""The client of the service's HTTP API: what it reads is what was told."""

from collections.abc import Callable
from dataclasses import replace

from cli.client import RestClient
from deployments.residency.protocol import ReplicaStatus
from deployments.service.service import SpeechService
from tests.ingress.conftest import UNLOADED, Still
from tests.support.serving import served


async def test_residence_is_that_of_the_service(service: Callable[..., SpeechService]) -> None:
    replicas = (ReplicaStatus("one", "ready", "node", 12, "GPU-1"), ReplicaStatus("two", "loading", "node", None, None))
    asked = service(Still(Llasa=replace(UNLOADED, state="ready", replicas=replicas)))
    with served(asked) as url:
        async with RestClient(url) as client:
            assert await client.residence() == await asked.residence()
