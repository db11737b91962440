"""The line about the models."""

import asyncio
import re
from dataclasses import replace
from typing import Any, cast

from deployments.residency.protocol import ModelStatus
from tests.ingress.conftest import UNLOADED
from ui import markup
from ui.backend import Backend
from ui.languages import LANGUAGES
from ui.state import ModelsWatch

LOADING = replace(UNLOADED, state="loading", last_load_seconds=8.0)


class Counted:
    """A service with one model, and how often it was asked."""

    def __init__(self, status: ModelStatus) -> None:
        self.status = status
        self.asked = 0

    async def models(self) -> dict[str, ModelStatus]:
        self.asked += 1
        await asyncio.sleep(0)
        return {"Llasa": self.status}


def watch(service: Counted) -> ModelsWatch:
    return ModelsWatch(cast("Backend", service))


async def test_many_visitors_ask_the_service_once() -> None:
    service = Counted(UNLOADED)
    watching = watch(service)
    found = await asyncio.gather(*[watching.look() for _ in range(20)])
    assert service.asked == 1
    assert found == [{"Llasa": (UNLOADED, 0.0)}] * 20


async def test_a_model_that_loads_is_timed_from_when_it_was_first_seen() -> None:
    service = Counted(LOADING)
    watching = watch(service)
    (_, first), (_, second) = [(await watching.look())["Llasa"] for _ in range(2)]
    assert 0 <= first < second


def bar(seconds: float, **changed: Any) -> str | None:
    html = markup.state({"Llasa": (replace(LOADING, **changed), seconds)}, LANGUAGES[0])
    found = re.search("<progress.*?>", html)
    return found and found[0]


def test_progress_is_measured_by_the_last_load() -> None:
    assert bar(2) == '<progress value="0.25" aria-label="Llasa: loading">'
    assert bar(20) == '<progress value="1.00" aria-label="Llasa: loading">'
    assert bar(2, last_load_seconds=None) == '<progress aria-label="Llasa: loading">'
    assert bar(0, state="ready") is None
