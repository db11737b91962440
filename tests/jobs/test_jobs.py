"""Jobs: spoken part by part, and each client's own."""

import asyncio
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import av
import pytest

from deployments.errors import (
    Conflict,
    GenerationFailed,
    InvalidText,
    NotFound,
    Overloaded,
    ReplicaLost,
    Unavailable,
)
from deployments.jobs.jobs import Jobs
from deployments.jobs.protocol import JobFile
from deployments.settings import Settings
from tests.jobs.conftest import Start, reached
from tests.support.long_speech import TEXT, CountedSpeaker, order
from tests.support.pictures import PNG


async def contents(jobs: Jobs, id: str, file: JobFile) -> bytes:
    return b"".join([data async for data in jobs.read("me", id, file.name, 0, file.size)])


async def test_a_job_is_spoken_part_by_part_in_order(start: Start) -> None:
    speaker = CountedSpeaker()
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    done = await reached(jobs, job.id, "done")
    assert " ".join(speaker.texts) == TEXT.replace("\n\n", " ")
    assert (done.parts_done, done.progress, done.seconds_left) == (done.parts, 1, 0)
    assert done.duration == pytest.approx(done.parts * 0.1 + (done.parts - 1) * 0.6, abs=0.5)


async def test_events_are_numbered_and_can_be_read_again_from_any_of_them(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    events = await jobs.events("me", job.id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.data["state"] for event in events if event.type == "state"] == ["queued", "running", "done"]
    assert await jobs.events("me", job.id, after=3) == events[3:]


async def test_an_edited_sentence_costs_one_part(start: Start) -> None:
    speaker = CountedSpeaker()
    jobs = await start(speaker)
    await reached(jobs, (await jobs.create("me", order())).id, "done")
    made = len(speaker.texts)
    await reached(jobs, (await jobs.create("me", order(TEXT.replace("Dora", "Dorothea")))).id, "done")
    assert len(speaker.texts) == made + 1
    assert "Dorothea" in speaker.texts[-1]


async def test_another_client_neither_sees_a_job_nor_profits_from_its_parts(start: Start) -> None:
    speaker = CountedSpeaker()
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    assert await jobs.list("you") == []
    file = await jobs.file("me", job.id, "wav", None)
    for attempt in (
        jobs.get("you", job.id),
        jobs.pause("you", job.id),
        jobs.resume("you", job.id),
        jobs.retry("you", job.id),
        jobs.delete("you", job.id),
        jobs.events("you", job.id),
        jobs.file("you", job.id, "wav", None),
        anext(jobs.read("you", job.id, file.name, 0, 1)),
    ):
        with pytest.raises(NotFound):
            await attempt
    made = len(speaker.texts)
    await reached(jobs, (await jobs.create("you", order())).id, "done", "you")
    assert len(speaker.texts) == 2 * made


async def test_a_paused_job_speaks_nothing_until_it_is_resumed(start: Start) -> None:
    speaker = CountedSpeaker()
    speaker.gate.clear()
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "running")
    assert (await jobs.pause("me", job.id)).state == "paused"
    assert (await jobs.pause("me", job.id)).state == "paused"
    speaker.gate.set()
    other = await jobs.create("me", order("Another text."))
    await reached(jobs, other.id, "done")
    assert speaker.texts == ["Another text."]
    assert (await jobs.resume("me", job.id)).state in ("queued", "running")
    await reached(jobs, job.id, "done")


async def test_a_deleted_job_leaves_no_files_but_those_of_others(start: Start, tmp_path: Path) -> None:
    jobs = await start(CountedSpeaker())
    one, two = await jobs.create("me", order("Shared.\n\nMine.")), await jobs.create("me", order("Shared."))
    for job in (one, two):
        await reached(jobs, job.id, "done")
        await jobs.file("me", job.id, "wav", None)
    assert len([*(tmp_path / "jobs" / "parts").glob("*/*.flac")]) == 2
    assert (await jobs.delete("me", one.id)).state == "cancelled"
    assert len([*(tmp_path / "jobs" / "parts").glob("*/*.flac")]) == 1
    assert [path.name for path in (tmp_path / "jobs" / "files").iterdir()] == [two.id]
    with pytest.raises(NotFound):
        await jobs.get("me", one.id)


async def test_a_lost_replica_and_a_loading_model_are_waited_for(start: Start) -> None:
    speaker = CountedSpeaker([ReplicaLost("Gone."), Unavailable("Loading."), Overloaded("Busy.")])
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    done = await reached(jobs, job.id, "done")
    assert done.error is None
    problems = [event.data["message"] for event in await jobs.events("me", job.id) if event.type == "problem"]
    assert problems == ["Gone.", "Loading.", "Busy."]


@pytest.mark.parametrize("error", [GenerationFailed("Only silence."), ZeroDivisionError("a defect")])
async def test_a_part_that_cannot_be_spoken_fails_the_job_after_the_others_and_can_be_retried(
    start: Start, error: Exception
) -> None:
    speaker = CountedSpeaker([error])
    jobs = await start(speaker)
    job = await jobs.create("me", order())
    failed = await reached(jobs, job.id, "failed")
    assert (failed.parts_failed, failed.parts_done) == (1, failed.parts - 1)
    assert failed.error
    assert "This is the paragraph" in failed.error
    with pytest.raises(Conflict):
        await jobs.file("me", job.id, None, None)
    made = len(speaker.texts)
    await jobs.retry("me", job.id)
    await reached(jobs, job.id, "done")
    assert len(speaker.texts) == made + 1


async def test_ended_jobs_can_be_neither_paused_nor_resumed_nor_retried(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    for change in (jobs.pause, jobs.resume, jobs.retry):
        with pytest.raises(Conflict):
            await change("me", job.id)


async def test_a_client_has_a_quota_of_unfinished_jobs(start: Start) -> None:
    speaker = CountedSpeaker()
    speaker.gate.clear()
    jobs = await start(speaker, most=1)
    job = await jobs.create("me", order())
    with pytest.raises(Overloaded, match="1 unfinished"):
        await jobs.create("me", order())
    await jobs.create("you", order())
    await jobs.delete("me", job.id)
    await jobs.create("me", order())


async def test_clients_take_turns(start: Start) -> None:
    speaker = CountedSpeaker()
    speaker.gate.clear()
    jobs = await start(speaker)
    mine = await jobs.create("me", order("One.\n\nTwo.\n\nThree."))
    yours = await jobs.create("you", order("Ek.\n\nDo.\n\nTin."))
    speaker.gate.set()
    await reached(jobs, mine.id, "done")
    await reached(jobs, yours.id, "done", "you")
    assert speaker.texts == ["One.", "Ek.", "Two.", "Do.", "Three.", "Tin."]


async def test_old_jobs_are_deleted(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    await jobs.close()
    again = await start(CountedSpeaker(), days=1e-9)
    async with asyncio.timeout(60):
        while await again.list("me"):
            await asyncio.sleep(0.01)
    with pytest.raises(NotFound):
        await again.get("me", job.id)


async def test_a_client_with_much_audio_must_delete_some_before_it_gets_more(start: Start) -> None:
    jobs = await start(CountedSpeaker(), most_bytes=1_000)
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    with pytest.raises(Overloaded, match="delete one"):
        await jobs.create("me", order("More."))
    await jobs.create("you", order("More."))
    await jobs.delete("me", job.id)
    await jobs.create("me", order("More."))


async def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    settings = Settings(jobs_dir=tmp_path / "jobs", max_jobs=1, max_jobs_mb=1e-6)
    jobs = Jobs.of(settings, CountedSpeaker())
    await jobs.create("me", order())
    with pytest.raises(Overloaded, match="1 unfinished"):
        await jobs.create("me", order())
    await jobs.start()
    await reached(jobs, (await jobs.list("me"))[0].id, "done")
    with pytest.raises(Overloaded, match="store"):
        await jobs.create("me", order())
    await jobs.close()


async def test_five_hundred_jobs_at_once_are_spoken_in_fair_order(start: Start) -> None:
    speaker = CountedSpeaker()
    speaker.gate.clear()
    jobs = await start(speaker, most=1_000, at_once=2)
    wanted = [("many", n) for n in range(480)] + [("few", n) for n in range(20)]
    await asyncio.gather(*[jobs.create(owner, order(f"This is {owner} {n}.")) for owner, n in wanted])
    assert [len(await jobs.list(owner)) for owner in ("many", "few", "nobody")] == [480, 20, 0]
    speaker.gate.set()
    async with asyncio.timeout(120):
        while any(job.state != "done" for job in await jobs.list("few")):
            await asyncio.sleep(0.01)
        # Both have the same share, as long as both wait.
        assert len(speaker.texts) < 60
        while any(job.state != "done" for job in await jobs.list("many")):
            await asyncio.sleep(0.05)
    assert len(set(speaker.texts)) == len(speaker.texts) == 500


async def test_a_text_without_words_is_refused(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    with pytest.raises(InvalidText):
        await jobs.create("me", order("…", "---"))


async def test_a_book_has_chapters_a_title_and_a_cover(start: Start, tmp_path: Path) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order("One. It is.", "Two. It is too.", title="Numbers", author="A. B.", cover=PNG))
    await reached(jobs, job.id, "done")
    file = await jobs.file("me", job.id, "m4b", None)
    assert file.media_type == "audio/mp4"
    path = tmp_path / "book.m4b"
    path.write_bytes(await contents(jobs, job.id, file))
    with av.open(str(path)) as book:
        assert [chapter["metadata"]["title"] for chapter in book.chapters()] == ["Chapter 1", "Chapter 2"]
        assert (book.metadata["title"], book.metadata["artist"]) == ("Numbers", "A. B.")
        assert len(book.streams.video) == 1
        duration = sum(frame.samples for frame in book.decode(audio=0)) / book.streams.audio[0].rate
    assert duration == pytest.approx((await jobs.get("me", job.id)).duration, abs=0.1)


@pytest.mark.parametrize("format", ["wav", "mp3", "flac", "opus"])
async def test_a_chapter_is_a_file_of_its_own_in_every_format(start: Start, tmp_path: Path, format: str) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create(
        "me", order("One. It is.", "Two. It is too. It is long.\n\nIt is longer.", sample_rate=24_000)
    )
    progress = (await reached(jobs, job.id, "done")).chapters
    for chapter in (1, 2):
        file = await jobs.file("me", job.id, format, chapter)
        path = tmp_path / file.name
        path.write_bytes(await contents(jobs, job.id, file))
        with av.open(str(path)) as audio:
            rate = audio.streams.audio[0].rate
            duration = sum(frame.samples for frame in audio.decode(audio=0)) / rate
        assert duration == pytest.approx(progress[chapter - 1].duration, abs=0.1)
    with pytest.raises(NotFound):
        await jobs.file("me", job.id, format, 3)


async def test_an_archive_has_each_chapter_with_its_captions_and_the_cover(start: Start, tmp_path: Path) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order("One. It is.", "Two.", title="Numbers", cover=PNG, response_format="m4b"))
    await reached(jobs, job.id, "done")
    file = await jobs.file("me", job.id, "zip", None)
    with ZipFile(BytesIO(await contents(jobs, job.id, file))) as archive:
        names = [f"0{n} Chapter {n}.{suffix}" for n in (1, 2) for suffix in ("mp3", "srt", "vtt")]
        assert archive.namelist() == [*names, "cover.png"]
        assert archive.read("cover.png") == PNG
        lines = archive.read("02 Chapter 2.srt").decode().splitlines()
        assert (lines[1][:12], lines[2]) == ("00:00:00,000", "Two.")
        assert archive.read("01 Chapter 1.vtt").startswith(b"WEBVTT")
        archive.extract(names[0], tmp_path)
    with av.open(str(tmp_path / names[0])) as audio:
        assert audio.metadata["title"] == "Chapter 1"


async def test_captions_of_a_book_go_on_over_its_chapters(start: Start) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order("One.", "Two & three."))
    await reached(jobs, job.id, "done")
    text = (await contents(jobs, job.id, await jobs.file("me", job.id, "vtt", None))).decode()
    assert text == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.833\nOne.\n\n00:00:01.600 --> 00:00:01.700\nTwo and three.\n"
    ).replace("and", "&amp;")


@pytest.mark.parametrize("format", ["wav", "flac"])
async def test_files_have_the_loudness_that_was_asked_for(start: Start, format: str) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order(loudness=-18.0))
    await reached(jobs, job.id, "done")
    measured = await jobs.loudness("me", job.id, format, None)
    assert measured.integrated == pytest.approx(-18, abs=0.5)
    assert measured.true_peak < -0.5


async def test_a_journal_of_an_earlier_version_goes_on(start: Start, tmp_path: Path) -> None:
    jobs = await start(CountedSpeaker())
    job = await jobs.create("me", order())
    await reached(jobs, job.id, "done")
    await jobs.close()
    with closing(sqlite3.connect(tmp_path / "jobs" / "journal.sqlite")) as db:
        db.execute("ALTER TABLE jobs DROP COLUMN loudness")
        db.execute("ALTER TABLE parts DROP COLUMN written")
    again = await start(CountedSpeaker())
    file = await again.file("me", job.id, "wav", None)
    assert len(await contents(again, job.id, file)) == file.size
    await reached(again, (await again.create("me", order("New."))).id, "done")


async def test_a_chapter_can_be_heard_before_the_book_is_done(start: Start) -> None:
    speaker = CountedSpeaker()
    jobs = await start(speaker)
    job = await jobs.create("me", order("One.", "Two."))
    await reached(jobs, job.id, "done")
    speaker.gate.clear()
    longer = await jobs.create("me", order("One.", "Three."))
    async with asyncio.timeout(60):
        while (await jobs.get("me", longer.id)).parts_done < 1:
            await jobs.events("me", longer.id, 2, wait_s=1)
    with pytest.raises(Conflict):
        await jobs.file("me", longer.id, "wav", None)
