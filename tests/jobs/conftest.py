"""Jobs on a speaker without models."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from deployments.jobs.jobs import Jobs
from deployments.jobs.protocol import Job, State
from deployments.jobs.speaker import Speaker

Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts jobs in a folder of the test."""
    async with AsyncExitStack() as stack:

        async def started(speaker: Speaker, **options: Any) -> Jobs:
            jobs = Jobs(options.pop("folder", tmp_path / "jobs"), speaker, delay=lambda attempt: 0, **options)
            await jobs.start()
            stack.push_async_callback(jobs.close)
            return jobs

        yield started


async def reached(jobs: Jobs, id: str, state: State, owner: str = "me") -> Job:
    """Waits until a job has a state."""
    after = 0
    async with asyncio.timeout(60):
        while (job := await jobs.get(owner, id)).state != state:
            events = await jobs.events(owner, id, after, wait_s=5)
            after = events[-1].number if events else after
    return job
