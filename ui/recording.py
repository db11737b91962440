"""A speech, during and after its generation: a WAV that browsers play as it grows, then files."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from deployments.audio.encoder import Format, encoded, open_container
from deployments.audio.tempo import Tempo
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform


class Recording:
    """One speech.

    Args:
        folder: Its folder; created when the speech has ended.
        id: Unguessable: whoever knows it may listen.
        speed: 0.25 to 4; the pitch is kept.
        rate: Hz.
    """

    def __init__(self, folder: Path, id: str, speed: float, rate: int) -> None:
        self.id = id
        self.rate = rate
        self.path = folder / "speech.wav"
        """Exists once the speech has ended."""
        self._samples = folder / "samples.npy"
        # Not compressed: browsers play a WAV at once, an MP3 only after some seconds of it.
        self._container = open_container("wav", rate)
        self._tempo = Tempo(speed) if speed != 1 else None
        self._pieces: list[Waveform] = []
        self._heard = bytearray()
        self._grown = asyncio.Condition()
        self.length = 0
        """Samples so far, at 16 kHz."""
        self.ended = False
        """Once true, its files exist."""

    @property
    def seconds(self) -> float:
        """So far."""
        return self.length / SAMPLE_RATE

    async def write(self, wav: Waveform) -> None:
        """Takes the next samples, mono at 16 kHz."""
        if self._tempo:
            wav = await asyncio.to_thread(self._tempo.write, wav)
        await self._take(wav)

    async def close(self) -> None:
        """Ends the recording and its streams. Further calls do nothing."""
        if self.ended:
            return
        try:
            if self._tempo:
                await self._take(await asyncio.to_thread(self._tempo.close))
            await self._grow(await asyncio.to_thread(self._container.close))
            await asyncio.to_thread(self._save)
        finally:
            async with self._grown:
                self.ended = True
                self._grown.notify_all()
            # Unfinished streams hold their own references to the audio.
            self._pieces, self._heard = [], bytearray()

    def stream(self) -> AsyncIterator[bytes]:
        """Yields the WAV from beginning to end, as it grows; its header does not have the length."""
        return self._from_the_beginning(self._heard)

    async def _from_the_beginning(self, heard: bytearray) -> AsyncIterator[bytes]:
        sent = 0
        while True:
            async with self._grown:
                while not self.ended and len(heard) == sent:
                    await self._grown.wait()
                piece = bytes(heard[sent:])
            if not piece:
                return
            sent += len(piece)
            yield piece

    def file(self, format: Format) -> bytes:
        """Returns the complete file, once the recording has ended. Blocks."""
        samples: Waveform = np.load(self._samples)
        return encoded(samples, format, self.rate)

    def remove(self) -> None:
        """Deletes its files. Blocks."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    async def _take(self, wav: Waveform) -> None:
        self._pieces.append(wav)
        self.length += len(wav)
        await self._grow(await asyncio.to_thread(self._container.write, wav))

    async def _grow(self, data: bytes) -> None:
        async with self._grown:
            self._heard += data
            self._grown.notify_all()

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True)
        np.save(self._samples, np.concatenate([np.zeros(0, np.float32), *self._pieces]))
        self.path.write_bytes(self.file("wav"))


class Recordings:
    """The recordings of all open pages. Deletes the oldest when their total duration exceeds a limit.

    Args:
        folder: Folder of the recordings.
        seconds: Maximum total seconds.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = folder
        self._most = seconds
        self._kept: dict[str, Recording] = {}

    def begin(self, speed: float, rate: int) -> Recording:
        """A new one."""
        id = secrets.token_urlsafe(16)
        recording = self._kept[id] = Recording(self._folder / id, id, speed, rate)
        return recording

    def get(self, id: str) -> Recording | None:
        """Returns the recording of that id, if it still exists."""
        return self._kept.get(id)

    async def end(self, recording: Recording) -> None:
        """Ends a recording. Deletes it if it is silent, and the oldest ones if there are too many."""
        try:
            await recording.close()
        finally:
            ended = [one for one in self._kept.values() if one.ended]
            dropped = [] if recording.length else [recording]
            while sum(one.seconds for one in ended) > self._most:
                dropped.append(ended.pop(0))
            for one in dropped:
                self._kept.pop(one.id, None)
                await asyncio.to_thread(one.remove)
