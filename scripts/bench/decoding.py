"""Measures the cost of decoding uploads in separate processes: `python -m scripts.bench.decoding`.

The baseline decodes whole files in this process, where a crash of FFmpeg would end the service.
"""

import argparse
import asyncio
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from io import BytesIO
from itertools import chain
from typing import Final

import av
import numpy as np

from deployments.audio.clip import AudioReader
from deployments.audio.decoder import Decoder
from deployments.settings import Settings
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from scripts.bench.machine import Machine
from scripts.bench.table import table

_FORMATS: Final = {"wav": ("wav", "pcm_s16le", 44_100), "mp3": ("mp3", "libmp3lame", 44_100)}
_HOUR: Final = 3600
_LONGEST: Final = 4000.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="scripts.bench.decoding", description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="of each clip")
    options = parser.parse_args(arguments)
    print(f"\n{Machine.of('cpu')}\nmedians of {options.repeats}; the hour once each\n")
    print(asyncio.run(_measured(options.repeats)))
    return 0


async def _measured(repeats: int) -> str:
    settings = Settings(max_audio_duration=_LONGEST, max_transcription_duration=_LONGEST)
    decoder = Decoder()
    reader = AudioReader(decoder, settings)
    rows = []
    try:
        await reader.clip(_file("wav", 1), "audio")  # the decoding server is up from now on
        for seconds in (1, 10, 60):
            for name in _FORMATS:
                file = _file(name, seconds)
                rows.append(await _row(f"{seconds} s, {name}", file, lambda file: reader.clip(file, "audio"), repeats))
        rows.append(await _row("1 h to transcribe, mp3", _hour(), lambda file: _hear(reader, file), 1))
    finally:
        decoder.close()
    return table(["file", "before ms", "now ms", "more ms", "ratio", "before MB", "now MB"], rows)


async def _row(name: str, file: bytes, now: Callable[[bytes], Awaitable[object]], repeats: int) -> list[str]:
    """Measures both alternately, as a machine's speed drifts; the last columns are this process's peak allocations."""
    spent: dict[str, list[float]] = {"before": [], "now": []}
    for _ in range(repeats):
        for way, times in spent.items():
            begin = time.perf_counter()
            await _decode(way, file, now)
            times.append(1000 * (time.perf_counter() - begin))
    grown = []
    for way in spent:
        tracemalloc.start()
        await _decode(way, file, now)
        grown.append(tracemalloc.get_traced_memory()[1] / 1_000_000)
        tracemalloc.stop()
    before, after = (statistics.median(times) for times in spent.values())
    figures = [f"{before:.1f}", f"{after:.1f}", f"{after - before:.1f}", f"{after / before:.2f}"]
    return [name, *figures, *(f"{most:.1f}" for most in grown)]


async def _decode(way: str, file: bytes, now: Callable[[bytes], Awaitable[object]]) -> None:
    await now(file) if way == "now" else await asyncio.to_thread(_before, file)


def _before(file: bytes) -> Waveform:
    resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
    parts = []
    with av.open(BytesIO(file)) as container:
        for frame in chain(container.decode(audio=0), (None,)):
            parts += [resampled.to_ndarray().mean(axis=0) for resampled in resampler.resample(frame)]
    wav: Waveform = np.concatenate(parts)
    return wav


async def _hear(reader: AudioReader, file: bytes) -> int:
    async with reader.recording(file, "file") as recording, aclosing(recording.blocks()) as blocks:
        return sum([len(block) async for block in blocks])


def _file(name: str, seconds: int) -> bytes:
    container_format, codec, rate = _FORMATS[name]
    file = BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, (2, seconds * rate)).astype(np.float32)
    options = {"write_xing": "0", "id3v2_version": "0"} if name == "mp3" else {}  # makes concatenation possible
    with av.open(file, "w", format=container_format, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
        frame.sample_rate = rate
        size = stream.codec_context.frame_size
        resampler = av.AudioResampler(stream.codec_context.format, "stereo", rate, size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def _hour() -> bytes:
    """Repeats a minute of audio to an hour."""
    return _file("mp3", 60) * (_HOUR // 60)


if __name__ == "__main__":
    sys.exit(main())
