"""Speeches while they are made, and afterwards."""

import asyncio
import io
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import voice
from ui.recording import Recording, Recordings

PATIENCE = 10


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path, seconds=10)


async def made(recordings: Recordings, seconds: float = 1.0, speed: float = 1.0, rate: int = 16_000) -> Recording:
    recording = recordings.begin(speed, rate)
    await recording.write(voice(seconds))
    await recordings.end(recording)
    return recording


async def collected(recording: Recording) -> bytes:
    return b"".join([piece async for piece in recording.stream()])


def pcm(file: bytes) -> bytes:
    return file[44:]


async def test_what_is_heard_grows_while_it_is_made_and_ends_with_it(recordings: Recordings) -> None:
    recording = recordings.begin(1, 16_000)
    async with asyncio.timeout(PATIENCE):
        stream = recording.stream()
        await recording.write(voice(0.5))
        first = await anext(stream)
        assert len(first) == 44 + 16_000
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        assert not waiting.done()
        await recording.write(voice(0.25))
        assert len(await waiting) == 8_000
        await recording.close()
        assert [piece async for piece in stream] == []


async def test_who_comes_late_hears_it_from_its_beginning(recordings: Recordings) -> None:
    recording = recordings.begin(1, 16_000)
    await recording.write(voice(0.5))
    await recording.write(voice(0.5))
    listening = asyncio.create_task(collected(recording))
    await asyncio.sleep(0)
    await recording.close()
    async with asyncio.timeout(PATIENCE):
        assert len(pcm(await listening)) == 2 * 16_000


async def test_the_file_is_what_was_heard_and_tells_its_length(recordings: Recordings) -> None:
    recording = recordings.begin(1, 24_000)
    listening = asyncio.create_task(collected(recording))
    await recording.write(voice(0.7))
    await recording.close()
    file = recording.path.read_bytes()
    async with asyncio.timeout(PATIENCE):
        assert pcm(await listening) == pcm(file)
    with wave.open(io.BytesIO(file)) as reader:
        assert (reader.getframerate(), reader.getnframes()) == (24_000, round(0.7 * 24_000))


@pytest.mark.parametrize("speed", [0.5, 2.0])
async def test_speed_changes_how_long_it_is(recordings: Recordings, speed: float) -> None:
    recording = await made(recordings, 2.0, speed)
    assert recording.seconds == pytest.approx(2.0 / speed, rel=0.05)


async def test_every_other_format_can_be_had_afterwards(recordings: Recordings) -> None:
    recording = await made(recordings)
    assert recording.file("flac")[:4] == b"fLaC"
    assert recording.file("opus")[:4] == b"OggS"
    assert recording.file("mp3")[0] == 0xFF


async def test_closing_twice_or_with_nothing_said_does_no_harm(recordings: Recordings) -> None:
    recording = recordings.begin(1, 16_000)
    await recording.close()
    await recording.close()
    assert recording.seconds == 0
    assert len(recording.file("wav")) == 44


async def test_the_oldest_go_when_all_together_are_too_long(recordings: Recordings) -> None:
    first = await made(recordings, 6.0)
    second = await made(recordings, 6.0)
    assert recordings.get(first.id) is None
    assert recordings.get(second.id) is second
    assert not first.path.exists()
    assert second.path.exists()


async def test_one_that_is_being_made_is_never_dropped(recordings: Recordings) -> None:
    running = recordings.begin(1, 16_000)
    await running.write(np.zeros(20 * 16_000, np.float32))
    recordings.begin(1, 16_000)
    assert recordings.get(running.id) is running


async def test_one_in_which_nothing_was_said_is_not_kept(recordings: Recordings, tmp_path: Path) -> None:
    recording = recordings.begin(1, 16_000)
    await recordings.end(recording)
    assert recordings.get(recording.id) is None
    assert not recording.path.parent.exists()


async def test_listeners_are_let_go_where_the_disk_is_full(recordings: Recordings, tmp_path: Path) -> None:
    recording = recordings.begin(1, 16_000)
    await recording.write(voice(0.5))
    recording.path.parent.touch()  # a file where the folder should be
    listening = asyncio.create_task(collected(recording))
    await asyncio.sleep(0)
    with pytest.raises(FileExistsError):
        await recording.close()
    async with asyncio.timeout(PATIENCE):
        assert len(pcm(await listening)) == 16_000
