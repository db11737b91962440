"""Schemathesis over the service's own OpenAPI document: whatever is sent, the answer is one that it tells of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deployments.service.service import SpeechService
from tests.ingress.conftest import Still
from tests.support.serving import served

CASES = 2_000
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Obedient(Still):
    """A residency in which every order is carried out at once, so that none is waited for."""

    async def offload(self, models: Sequence[str]) -> None:
        self.models |= {model: replace(self.models[model], state="asleep") for model in models}

    async def release(self, models: Sequence[str]) -> None:
        self.models |= {model: replace(self.models[model], state="unloaded") for model in models}

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        self.models |= {model: replace(self.models[model], state="ready", pinned=pin) for model in models}

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        self.models |= {model: replace(self.models[model], timeout_seconds=seconds) for model in models}


@pytest.fixture(scope="module")
def schema(module_service: Callable[..., SpeechService]) -> Iterator[schemathesis.schemas.BaseSchema]:
    service = replace(module_service(max_text_length=40), residency=Obedient())
    with served(service) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def test_every_route_answers_only_what_it_tells_of(schema: schemathesis.schemas.BaseSchema) -> None:
    operations = [operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)]
    assert len(operations) >= 18
    sent = 0

    def check(case: schemathesis.Case[Any]) -> None:
        nonlocal sent
        sent += 1
        case.call_and_validate(checks=CHECKS, timeout=60)

    for operation in operations:
        takes_input = operation.body or operation.query or operation.path_parameters
        modes = list(GenerationMode) if takes_input else [GenerationMode.POSITIVE]
        examples = settings(
            # A route without input has one case, which others make up for.
            max_examples=CASES // len(operations) if takes_input else 1,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        for mode in modes:
            # Nothing is wrong as a part of a path.
            with suppress(Unsatisfiable):
                examples(given(operation.as_strategy(mode))(check))()
    assert sent >= CASES
