"""Holds of one process."""

import asyncio
from collections.abc import Sequence

import pytest

from deployments.residency import holds
from deployments.residency.holds import Holds


class Published(list[list[str]]):
    """All that was published; can be waited on."""

    def __call__(self, models: Sequence[str]) -> None:
        self.append(list(models))

    async def becomes(self, models: list[str], times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.count(models) < times or self[-1] != models:
                await asyncio.sleep(0)


async def test_a_hold_is_known_before_the_work_begins_and_gone_after_it() -> None:
    published = Published()
    async with Holds(published).of(["Llasa", "XCodec2"]):
        assert published == [["Llasa", "XCodec2"]]
    await published.becomes([])


async def test_a_model_is_held_until_the_last_of_its_work_ends() -> None:
    published = Published()
    of = Holds(published).of
    async with of(["Llasa"]):
        async with of(["Llasa", "Whisper"]):
            assert published[-1] == ["Llasa", "Whisper"]
        await published.becomes(["Llasa"], times=2)
    await published.becomes([])


async def test_what_is_held_already_is_not_published_for_every_request() -> None:
    published = Published()
    of = Holds(published).of
    async with of(["Llasa"]), of(["Llasa"]), of(["Llasa"]):
        assert published == [["Llasa"]]


async def test_cancelled_work_holds_nothing() -> None:
    published, entered = Published(), asyncio.Event()
    of = Holds(published).of

    async def work() -> None:
        async with of(["Llasa"]):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    await asyncio.wait([task])
    await published.becomes([])


async def test_holds_are_published_again_and_again_while_they_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "HEARTBEAT_S", 0.001)
    published = Published()
    async with Holds(published).of(["Llasa"]):
        await published.becomes(["Llasa"], times=3)
    await published.becomes([])
