"""Jobs that are heard while they are spoken."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import BytesIO

import av
import pytest

from deployments.errors import Conflict, GenerationFailed, NotFound
from deployments.jobs.formats import StreamFormat
from deployments.jobs.jobs import Jobs
from deployments.jobs.speaker import PartOrder, RecordedPart
from tests.jobs.conftest import Start, reached
from tests.support.long_speech import NAMES, CountedSpeaker, order, recording

PART_S = 0.1
"""Of the scripted speaker."""


async def some_parts(jobs: Jobs, id: str, parts: int) -> None:
    async with asyncio.timeout(60):
        while (await jobs.get("me", id)).parts_done < parts:
            await jobs.events("me", id, 2 + parts, wait_s=0.1)


async def heard(
    jobs: Jobs, id: str, chapter: int | None = None, *, follow: bool, format: StreamFormat = "wav"
) -> bytes:
    async with asyncio.timeout(60), aclosing(jobs.stream("me", id, format, chapter, follow)) as blocks:
        return b"".join([block async for block in blocks])


def seconds(data: bytes) -> float:
    with av.open(BytesIO(data)) as file:
        return float(sum(frame.samples for frame in file.decode(audio=0)) / file.streams.audio[0].rate)


class Stepwise(CountedSpeaker):
    """Speaks so many parts and waits."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    async def record(self, order: PartOrder) -> RecordedPart:
        if len(self.texts) >= self.parts:
            self.gate.clear()
        return await super().record(order)


async def test_a_stream_goes_on_as_parts_are_spoken_and_has_the_length_of_the_whole(start: Start) -> None:
    speaker = Stepwise(2)
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    await some_parts(jobs, job.id, 2)
    blocks: AsyncGenerator[bytes, None] = jobs.stream("me", job.id, "wav", None, True)
    async with asyncio.timeout(60), aclosing(blocks):
        data = b""
        while len(data) < 2 * 2 * PART_S * 24_000:
            data += await anext(blocks)
        assert (await jobs.get("me", job.id)).state == "running"
        speaker.parts = len(NAMES)
        speaker.gate.set()
        data += b"".join([block async for block in blocks])
    assert (await jobs.get("me", job.id)).state == "done"
    assert len(data) == len(await heard(jobs, job.id, follow=True))
    assert seconds(data) == pytest.approx((await jobs.get("me", job.id)).duration, abs=0.01)


async def test_a_chapter_can_be_had_so_far(start: Start) -> None:
    speaker = Stepwise(2)
    jobs = await start(speaker)
    job = await jobs.create("me", order("One.", "Two.\n\nThree.\n\nFour."))
    await some_parts(jobs, job.id, 2)
    two = await heard(jobs, job.id, 2, follow=False, format="mp3")
    assert PART_S < seconds(two) < 1.0
    assert len(await heard(jobs, job.id, 1, follow=False)) > len(
        await heard(jobs, job.id, 1, follow=False, format="mp3")
    )


@pytest.mark.parametrize("ending", ["paused", "failed", "deleted"])
async def test_a_stream_ends_when_the_job_does_not_go_on(start: Start, ending: str) -> None:
    speaker = Stepwise(1)
    jobs = await start(speaker)
    job = await jobs.create("me", order("One.\n\nTwo."))
    await some_parts(jobs, job.id, 1)
    listening = asyncio.create_task(heard(jobs, job.id, follow=True))
    if ending == "paused":
        await jobs.pause("me", job.id)
    elif ending == "failed":
        speaker.failures.append(GenerationFailed("Noise."))
        speaker.parts = 9
        speaker.gate.set()
        await reached(jobs, job.id, "failed")
    else:
        await jobs.delete("me", job.id)
        with pytest.raises(NotFound):
            await listening
        return
    assert seconds(await listening) >= PART_S


async def test_what_cannot_be_heard_is_refused(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    speech, heard_job = await jobs.create("me", order("One.")), await jobs.create("me", recording(0.1))
    with pytest.raises(NotFound, match="1 chapters"):
        await heard(jobs, speech.id, 2, follow=False)
    with pytest.raises(Conflict, match="transcribes"):
        await heard(jobs, heard_job.id, follow=False)
    with pytest.raises(NotFound, match="no job"):
        await anext(jobs.stream("other", speech.id, "mp3", None, True))
