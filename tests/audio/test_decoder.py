"""Decoding processes that die, and what it costs their callers."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import aclosing

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from deployments.audio import decoder as room
from deployments.audio import decoding
from deployments.audio.clip import AudioReader
from deployments.audio.decoder import Decoder
from deployments.errors import InvalidAudio
from tests.audio.conftest import heard, settings
from tests.support.clips import voice, wav_file

LONG = wav_file(voice(120.0))
"""More than fits into a socket: its decoder waits until somebody reads on."""


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def decoder(failures: list[str]) -> Iterator[Decoder]:
    decoder = Decoder(failures.append)
    yield decoder
    decoder.close()


@pytest.fixture
def reader(decoder: Decoder) -> AudioReader:
    return AudioReader(decoder, settings())


def server() -> psutil.Process:
    """The decoding server that this test has started."""
    found = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    servers = [p for p in found if "deployments.audio.decoding_server" in p.cmdline()]
    return max(servers, key=lambda process: process.create_time())


async def children(count: int) -> list[psutil.Process]:
    async with asyncio.timeout(20):
        while len(found := server().children()) != count:
            await asyncio.sleep(0.01)
    return found


async def read_with(reader: AudioReader, *signals: int, whole_server: bool = False) -> NDArray[np.float32]:
    """A long recording, in whose middle its decoder gets signals, one after the other."""
    pieces = []
    async with reader.recording(LONG, "file") as recording, aclosing(recording._decoding.pieces()) as decoded:
        pieces.append(await anext(decoded))
        for number in signals:
            (child,) = await children(1)
            if whole_server:
                server().send_signal(number)
            child.send_signal(number)
            pieces += [await anext(decoded) for _ in range(15)]  # more than what had been sent by then
        pieces += [piece async for piece in decoded]
    return np.concatenate(pieces)


async def test_a_decoder_that_is_killed_is_made_up_for(reader: AudioReader, failures: list[str]) -> None:
    undisturbed = await read_with(reader)
    assert len(undisturbed) == 120 * 16_000
    assert np.array_equal(await read_with(reader, signal.SIGKILL), undisturbed)
    assert np.array_equal(await read_with(reader, signal.SIGKILL, signal.SIGKILL), undisturbed)
    assert failures == []


async def test_a_server_that_is_killed_is_started_again(reader: AudioReader, failures: list[str]) -> None:
    assert len(await read_with(reader, signal.SIGKILL, whole_server=True)) == 120 * 16_000
    assert len(await read_with(reader)) == 120 * 16_000
    assert failures == []


async def test_a_file_whose_decoder_is_killed_again_and_again_is_refused(
    reader: AudioReader, failures: list[str]
) -> None:
    with pytest.raises(InvalidAudio, match="cannot be decoded"):
        await read_with(reader, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL)
    assert failures == ["killed"]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_a_file_at_which_a_decoder_crashes_is_its_callers_error_alone(
    reader: AudioReader, failures: list[str], number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def beside() -> int:
        return len((await heard(reader, wav_file(voice(2.0))))[0])

    async with reader.recording(LONG, "file") as other, aclosing(other.blocks()) as blocks:
        with caplog.at_level(logging.WARNING), pytest.raises(InvalidAudio, match="the decoder stopped at it") as caught:
            await read_with(reader, number)
        assert caught.value.param == "file"
        assert failures == ["crash"]
        assert await beside() == 32_000
        assert sum([len(block) async for block in blocks]) == 120 * 16_000
    (line,) = [record.getMessage() for record in caplog.records if "SHA-256" in record.getMessage()]
    assert "wav" in line


async def test_a_file_that_takes_too_much_time_is_refused(
    reader: AudioReader, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_CPU_SECONDS", 1)
    monkeypatch.setattr(room, "_CPU_SHARE", 10_000)
    frame = b"\x04" + bytes(12)  # 20 ms
    with pytest.raises(InvalidAudio, match="takes too long"):
        await heard(reader, b"#!AMR\n" + 150_000 * frame)
    assert failures == ["cpu"]


async def test_a_decoder_that_gives_nothing_is_given_up(
    reader: AudioReader, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reader.recording(LONG, "file") as recording, aclosing(recording._decoding.pieces()) as decoded:
        await anext(decoded)
        (child,) = await children(1)
        child.suspend()
        monkeypatch.setattr(decoding, "_SILENT_SECONDS", 0.5)
        with pytest.raises(InvalidAudio, match="takes too long"):
            async for _ in decoded:
                pass
    assert failures == ["time"]
    await children(0)


async def test_a_caller_that_goes_away_leaves_no_process_and_no_descriptor(reader: AudioReader) -> None:
    await heard(reader, LONG)
    before = len(os.listdir("/proc/self/fd")), server().num_fds()
    for _ in range(5):
        async with reader.recording(LONG, "file") as recording, aclosing(recording._decoding.pieces()) as decoded:
            await anext(decoded)
            await children(1)
        await children(0)
    assert len(os.listdir("/proc/self/fd")) <= before[0]
    assert server().num_fds() <= before[1]


async def test_many_files_are_decoded_at_once(reader: AudioReader) -> None:
    clips = await asyncio.gather(*[reader.clip(wav_file(voice(1 + n / 10)), "audio") for n in range(20)])
    assert [len(clip.wav) for clip in clips] == [16_000 + 1_600 * n for n in range(20)]


async def test_a_decoder_knows_no_settings_and_sees_no_other_file(reader: AudioReader, decoder: Decoder) -> None:
    assert "HF_HUB_OFFLINE" in os.environ
    async with reader.recording(LONG, "file") as recording, aclosing(recording._decoding.pieces()) as decoded:
        await anext(decoded)
        (child,) = await children(1)
        assert "HF_HUB_OFFLINE" not in child.environ()
        links = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd") if int(fd) > 2]
        assert sorted(link.partition(":")[0] for link in links) == ["/memfd", "socket"]


def test_closing_ends_the_processes(failures: list[str]) -> None:
    decoder = Decoder(failures.append)
    process = server()
    decoder.close()
    assert not process.is_running()
