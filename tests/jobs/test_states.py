"""Jobs that are paused, resumed, retried and deleted in any order."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from deployments.errors import Conflict, GenerationFailed, NotFound, Unavailable
from deployments.jobs.jobs import Jobs
from deployments.jobs.protocol import Job
from tests.support.long_speech import CountedSpeaker, order

OWNERS = ("me", "you")


class JobMachine(RuleBasedStateMachine):
    """All jobs end, whatever is done to them, unless they are paused; each part is spoken once."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.speaker = CountedSpeaker()
        self.number = 0
        self.alive: dict[str, str] = {}
        self.paused: set[str] = set()
        self.start()

    def run(self, work: Any) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(60):
                return await work

        return self.runner.run(bounded())

    def start(self) -> None:
        async def started() -> Jobs:
            board = Jobs(Path(self.folder.name), self.speaker, at_once=2, delay=lambda attempt: 0)
            await board.start()
            return board

        self.board: Jobs = self.run(started())

    @rule(target=jobs, owner=st.sampled_from(OWNERS), parts=st.integers(1, 4))
    def create(self, owner: str, parts: int) -> tuple[str, str]:
        self.number += 1
        text = "\n\n".join(f"{'abcd'[n]} {'x' * self.number}." for n in range(parts))
        job: Job = self.run(self.board.create(owner, order(text)))
        self.alive[job.id] = owner
        return owner, job.id

    @rule(job=jobs)
    def pause(self, job: tuple[str, str]) -> None:
        try:
            found: Job = self.run(self.board.pause(*job))
        except Conflict:
            assert self.run(self.board.get(*job)).state in ("done", "failed")
        else:
            assert found.state in ("paused", "done", "failed")
            if found.state == "paused":
                self.paused.add(job[1])
            assert self.run(self.board.get(*job)).state == found.state

    @rule(job=jobs)
    def resume(self, job: tuple[str, str]) -> None:
        try:
            found: Job = self.run(self.board.resume(*job))
        except Conflict:
            assert self.run(self.board.get(*job)).state in ("done", "failed")
        else:
            assert found.state != "paused"
            self.paused.discard(job[1])

    @rule(job=jobs)
    def retry(self, job: tuple[str, str]) -> None:
        state = self.run(self.board.get(*job)).state
        try:
            self.run(self.board.retry(*job))
        except Conflict:
            assert state != "failed"

    @rule(job=consumes(jobs))
    def delete(self, job: tuple[str, str]) -> None:
        assert self.run(self.board.delete(*job)).state == "cancelled"
        self.paused.discard(job[1])
        del self.alive[job[1]]
        try:
            self.run(self.board.get(*job))
        except NotFound:
            return
        raise AssertionError("a deleted job is still there")

    @rule(job=jobs)
    def another_sees_nothing(self, job: tuple[str, str]) -> None:
        other = OWNERS[1 - OWNERS.index(job[0])]
        try:
            self.run(self.board.delete(other, job[1]))
        except NotFound:
            return
        raise AssertionError("another client deleted it")

    @rule(error=st.sampled_from([Unavailable("Loading."), GenerationFailed("Silence."), OSError("disk full")]))
    def break_something(self, error: Exception) -> None:
        self.speaker.failures.append(error)

    @rule(seconds=st.sampled_from([0, 0.001, 0.01]))
    def work(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule()
    def restart(self) -> None:
        self.run(self.board.close())
        self.start()

    @invariant()
    def everyone_has_their_own(self) -> None:
        for owner in OWNERS:
            found = {job.id: job for job in self.run(self.board.list(owner))}
            assert found.keys() == {id for id, whose in self.alive.items() if whose == owner}
            for job in found.values():
                assert (job.state == "paused") == (job.id in self.paused)
                assert job.state != "done" or job.parts_done == job.parts

    def teardown(self) -> None:
        async def ended() -> None:
            for id, owner in self.alive.items():
                if id in self.paused:
                    await self.board.resume(owner, id)
                while (await self.board.get(owner, id)).state not in ("done", "failed"):
                    await self.board.events(owner, id, 10**9, wait_s=0.1)

        self.run(ended())
        for owner, id in [(owner, id) for id, owner in self.alive.items()]:
            events = self.run(self.board.events(owner, id))
            assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert max(Counter(self.speaker.texts).values(), default=1) == 1
        self.run(self.board.close())
        self.runner.close()
        self.folder.cleanup()


TestJobs = JobMachine.TestCase
TestJobs.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
