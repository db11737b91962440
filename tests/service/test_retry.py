"""Work that is repeated when the process that does it dies."""

from collections.abc import AsyncGenerator, Callable

import pytest

from deployments.errors import ReplicaLost, Unavailable
from deployments.service.retry import ATTEMPTS, stream_with_retries, with_retries


class Work:
    """Loses its replica so many times, then succeeds."""

    def __init__(self, losses: int, error: type[Exception] = ReplicaLost) -> None:
        self.losses = losses
        self.error = error
        self.attempts = 0

    async def __call__(self) -> int:
        self.attempts += 1
        if self.attempts <= self.losses:
            raise self.error("lost")
        return self.attempts

    async def stream(self, before: int = 1) -> AsyncGenerator[str, None]:
        """Gives out so many items before the loss."""
        self.attempts += 1
        for n in range(3):
            if n == before and self.attempts <= self.losses:
                raise self.error("lost")
            yield f"{self.attempts}.{n}"


async def test_work_is_repeated_until_it_succeeds() -> None:
    work = Work(losses=ATTEMPTS - 1)
    assert await with_retries(work) == ATTEMPTS


async def test_work_that_loses_every_replica_is_given_up() -> None:
    work = Work(losses=100)
    with pytest.raises(ReplicaLost):
        await with_retries(work)
    assert work.attempts == ATTEMPTS


async def test_other_failures_are_not_repeated() -> None:
    work = Work(losses=1, error=Unavailable)
    with pytest.raises(Unavailable):
        await with_retries(work)
    assert work.attempts == 1


async def collect(stream: AsyncGenerator[str, None]) -> list[str]:
    return [item async for item in stream]


def second(item: str) -> bool:
    return item.endswith(".1")


def never(item: str) -> bool:
    return False


def always(item: str) -> bool:
    return True


async def test_a_stream_is_started_again_before_an_item_that_counts() -> None:
    work = Work(losses=2)
    assert await collect(stream_with_retries(work.stream, second)) == ["1.0", "2.0", "3.0", "3.1", "3.2"]


@pytest.mark.parametrize(("seen", "attempts"), [(never, ATTEMPTS), (always, 1)])
async def test_a_stream_is_given_up_at_the_bound_or_after_an_item_that_counts(
    seen: Callable[[str], bool], attempts: int
) -> None:
    work = Work(losses=100)
    with pytest.raises(ReplicaLost):
        await collect(stream_with_retries(work.stream, seen))
    assert work.attempts == attempts


async def test_a_stream_that_is_closed_closes_what_it_repeats() -> None:
    closed: list[bool] = []

    async def stream() -> AsyncGenerator[str, None]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.append(True)

    items = stream_with_retries(stream, always)
    assert await anext(items) == "one"
    await items.aclose()
    assert closed == [True]
