"""Waiting for models, with handles of the test's own; what needs a cluster is in test_scale_to_zero."""

import asyncio
from typing import Any

import pytest
from ray.exceptions import RayTaskError

from deployments.errors import Unavailable
from deployments.gpu.residency import ServeResidency


class Handle:
    """A deployment whose `ready` takes so long, or fails so."""

    def __init__(self, seconds: float = 0, failure: BaseException | None = None) -> None:
        self.seconds, self.failure = seconds, failure
        self.waiting = 0
        self.ready = self

    async def remote(self) -> None:
        self.waiting += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.waiting -= 1
        if self.failure:
            raise self.failure


def residency(patience_s: float = 5, **handles: Any) -> ServeResidency:
    return ServeResidency("app", handles, patience_s)


async def test_models_are_waited_for_side_by_side() -> None:
    llasa, xcodec2 = Handle(0.1), Handle(0.1)
    waiting = asyncio.create_task(residency(Llasa=llasa, XCodec2=xcodec2).ready(["Llasa", "XCodec2"]))
    async with asyncio.timeout(5):
        while not llasa.waiting:
            await asyncio.sleep(0)
        assert xcodec2.waiting
        await waiting


async def test_a_wait_beyond_patience_is_told_with_when_to_come_back() -> None:
    llasa = Handle(60)
    with pytest.raises(Unavailable, match=r"Llasa could not be loaded within 0.05 s") as caught:
        await residency(0.05, Llasa=llasa).ready(["Llasa"])
    assert caught.value.retry_after_s
    assert not llasa.waiting


async def test_a_models_own_failure_is_given_on_as_it_is() -> None:
    failure = Unavailable("There is no checkpoint folder /x.")
    error = RayTaskError("ready", "traceback", failure)
    with pytest.raises(Unavailable, match="no checkpoint folder /x") as caught:
        await residency(Llasa=Handle(failure=error)).ready(["Llasa"])
    assert type(caught.value) is Unavailable


async def test_another_failure_is_not_hidden() -> None:
    error = RayTaskError("ready", "traceback", ValueError("a defect"))
    with pytest.raises(RayTaskError):
        await residency(Llasa=Handle(failure=error)).ready(["Llasa"])
