"""Work for callers that may die."""

import asyncio

import pytest

from deployments.errors import GenerationFailed, ReplicaLost
from deployments.jobs.attendance import attended


class Work:
    """Waits until it is told to end."""

    def __init__(self) -> None:
        self.end, self.caller_died = asyncio.Event(), asyncio.Event()
        self.ended = ""

    async def run(self) -> str:
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        return "result"

    async def watch(self) -> None:
        await self.caller_died.wait()

    def begin(self) -> asyncio.Task[str]:
        return asyncio.create_task(attended(self.run(), self.watch()))


async def test_work_is_broken_off_when_its_caller_dies() -> None:
    work = Work()
    task = work.begin()
    work.caller_died.set()
    with pytest.raises(ReplicaLost):
        await task
    assert work.ended == "cancelled"


async def test_work_for_a_caller_that_lives_has_its_result_and_leaves_nothing_behind() -> None:
    work = Work()
    task = work.begin()
    work.end.set()
    assert await task == "result"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_work_that_fails_raises_its_error() -> None:
    async def failing() -> None:
        raise GenerationFailed("Noise.")

    with pytest.raises(GenerationFailed):
        await attended(failing(), Work().watch())


async def test_work_is_cancelled_with_its_call() -> None:
    work = Work()
    task = work.begin()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended in ("cancelled", "")
    assert asyncio.all_tasks() == {asyncio.current_task()}
