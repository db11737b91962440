"""The client of the service's HTTP API: what it reads is what was told."""

from collections.abc import Callable
from dataclasses import replace

from cli.client import RestClient
from deployments.gpu.protocol import ReplicaStatus
from deployments.ingress.backend import ServiceBackend
from deployments.ingress.service import Service
from tests.ingress.conftest import UNLOADED, Still
from tests.ingress.served import served


async def test_residence_is_that_of_the_service(service: Callable[..., Service]) -> None:
    replicas = (ReplicaStatus("one", "ready", "node", 12, "GPU-1"), ReplicaStatus("two", "loading", "node", None, None))
    asked = service(Still(Llasa=replace(UNLOADED, state="ready", replicas=replicas)))
    with served(asked) as url:
        async with RestClient(url) as client:
            assert await client.residence() == await ServiceBackend(asked).residence()
