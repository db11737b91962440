"""Long recordings that are transcribed as jobs."""

import asyncio
from pathlib import Path

import pytest

from deployments.errors import Conflict, GenerationFailed, Overloaded, Unavailable
from deployments.jobs.jobs import Jobs
from tests.jobs.conftest import Start, reached
from tests.support.long_speech import CountedSpeaker, order, recording


async def test_a_recording_is_transcribed_block_by_block_with_the_times_of_the_whole(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", recording(0.1, 0.2, 0.3))
    assert (job.kind, job.parts, job.response_format, job.title) == ("transcription", 3, "srt", "Talk")
    job = await reached(jobs, job.id, "done")
    assert (job.progress, job.duration, job.seconds_left) == (1, 6, 0)
    found = await jobs.transcript("me", job.id)
    assert (found.text, found.duration) == ("w1 w2 w3", 6)
    assert [(segment.start, segment.words[0].end) for segment in found.segments] == [(0, 2), (2, 4), (4, 6)]
    events = await jobs.events("me", job.id)
    assert [event.data["text"] for event in events if event.type == "part"] == ["w1", "w2", "w3"]


async def test_the_language_of_the_first_speech_is_that_of_the_rest(start: Start) -> None:
    speaker = CountedSpeaker()
    jobs = await start(speaker, at_once=3)
    job = await jobs.create("me", recording(0.0, 0.1, 0.2, 0.3))
    await reached(jobs, job.id, "done")
    assert [block.listening.get("language") for block in speaker.heard] == [None, None, "de", "de"]
    assert (await jobs.transcript("me", job.id)).language == "de"


async def test_after_a_restart_only_the_missing_blocks_are_heard(start: Start, tmp_path: Path) -> None:
    speaker = CountedSpeaker()
    first = await start(speaker)
    job = await first.create("me", recording(0.1, 0.2, 0.3))
    async with asyncio.timeout(60):
        while (await first.get("me", job.id)).parts_done < 1:
            await first.events("me", job.id, 2, wait_s=1)
    speaker.gate.clear()
    await first.close()
    again = await start(later := CountedSpeaker())
    await reached(again, job.id, "done")
    assert (await again.transcript("me", job.id)).text == "w1 w2 w3"
    assert len(speaker.heard) + len(later.heard) == 3
    assert [*(tmp_path / "jobs" / "recordings").glob("*/*.flac")]


async def test_what_cannot_be_heard_now_is_heard_later_and_what_fails_can_be_retried(start: Start) -> None:
    jobs = await start(CountedSpeaker([Unavailable("Loading."), GenerationFailed("Noise.")]))
    job = await jobs.create("me", recording(0.1, 0.2))
    failed = await reached(jobs, job.id, "failed")
    assert failed.error
    assert "Noise." in failed.error
    with pytest.raises(Conflict, match="Not all"):
        await jobs.transcript("me", job.id)
    await jobs.retry("me", job.id)
    await reached(jobs, job.id, "done")
    assert (await jobs.transcript("me", job.id)).text == "w1 w2"


async def test_a_recording_is_deleted_with_its_last_job(start: Start, tmp_path: Path) -> None:
    jobs: Jobs = await start(CountedSpeaker())
    one, other = [await jobs.create("me", recording(0.1)) for _ in range(2)]
    for job in (one, other):
        await reached(jobs, job.id, "done")
    stored = tmp_path / "jobs" / "recordings"
    await jobs.delete("me", one.id)
    assert len([*stored.glob("*/*.flac")]) == 1
    await jobs.delete("me", other.id)
    assert not [*stored.glob("*/*.flac")]


async def test_a_refused_job_leaves_no_recording(start: Start, tmp_path: Path) -> None:
    speaker = CountedSpeaker()
    speaker.gate.clear()
    jobs = await start(speaker, most=1)
    await jobs.create("me", recording(0.1))
    with pytest.raises(Overloaded):
        await jobs.create("me", recording(0.2))
    assert len([*(tmp_path / "jobs" / "recordings").glob("*/*.flac")]) == 1


async def test_speech_has_no_transcript_and_a_transcription_no_speech(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    speech, heard = await jobs.create("me", order("One.")), await jobs.create("me", recording(0.1))
    for job in (speech, heard):
        await reached(jobs, job.id, "done")
    with pytest.raises(Conflict, match="speaks"):
        await jobs.transcript("me", speech.id)
    with pytest.raises(Conflict, match="transcribes"):
        await jobs.file("me", heard.id, None, None)
