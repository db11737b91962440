"""Takes that wait for each other's prompt."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from deployments.llasa.prefill import Prefills

PROMPT = [1, 2, 3]
PATIENCE = 10


class Take:
    """One that has entered, or waits."""

    def __init__(self, prefills: Prefills, prompt: list[int]) -> None:
        self._stack = AsyncExitStack()
        self._entering = asyncio.create_task(self._stack.enter_async_context(prefills.of(prompt)))

    @property
    def entered(self) -> bool:
        return self._entering.done()

    async def prefilled(self) -> None:
        prefilled: Callable[[], None] = await self._entering
        prefilled()

    async def leave(self) -> None:
        self._entering.cancel()
        await asyncio.wait([self._entering])
        await self._stack.aclose()


async def settled(*takes: Take) -> list[bool]:
    """Which of them have entered, when all that can happen has."""
    for _ in range(20):
        await asyncio.sleep(0)
    return [take.entered for take in takes]


async def test_the_first_enters_at_once_and_the_others_when_its_prompt_is_read() -> None:
    prefills = Prefills()
    takes = [Take(prefills, PROMPT) for _ in range(3)]
    assert await settled(*takes) == [True, False, False]
    await takes[0].prefilled()
    await takes[0].prefilled()  # of each of its chunks
    assert await settled(*takes) == [True, True, True]


async def test_another_prompt_does_not_wait() -> None:
    prefills = Prefills()
    assert await settled(Take(prefills, PROMPT), Take(prefills, [1, 2])) == [True, True]


async def test_when_the_first_leaves_before_one_of_the_others_takes_its_place() -> None:
    prefills = Prefills()
    takes = [Take(prefills, PROMPT) for _ in range(3)]
    await settled()
    await takes[0].leave()
    assert await settled(*takes[1:]) == [True, False]
    await takes[1].prefilled()
    assert await settled(*takes[1:]) == [True, True]


async def test_one_that_is_cancelled_while_it_waits_is_missed_by_nobody() -> None:
    prefills = Prefills()
    takes = [Take(prefills, PROMPT) for _ in range(3)]
    await settled()
    await takes[1].leave()
    await takes[0].prefilled()
    assert await settled(takes[0], takes[2]) == [True, True]
    for take in takes:
        await take.leave()
    assert await settled(Take(prefills, PROMPT)) == [True]
