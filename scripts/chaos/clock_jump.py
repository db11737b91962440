"""The wall clock jumps by a day, forth and back."""

import asyncio
import struct
import subprocess
import tempfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from shutil import which
from typing import Final

import httpx

from scripts.chaos.case import Cases
from scripts.chaos.kills import describe
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.recovery import RECOVERY_SECONDS, recovery, settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service, started

_SOURCE: Final = Path(__file__).with_name("clock.c")
_JUMPS: Final = {"a day ahead": 86_400, "to the true time": 0, "an hour back": -3_600, "to the true time again": 0}
_TOLERANCE: Final = 60
"""Seconds that the Date of an answer may be off."""
_PAUSE: Final = 6.0
"""Seconds between jumps: several of Serve's health checks and records."""


async def clock_jump(options: Options) -> list[Row]:
    """Starts a service whose processes read the wall clock through a small library, and moves that."""
    if not which("cc"):
        return [Row.not_run("clock-jump", "no C compiler is here to build the library that moves the clock.")]
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-clock-") as folder:
        clock, library = Path(folder) / "clock", build(Path(folder))
        clock.write_bytes(struct.pack("q", 0))
        with started({"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(clock)}) as service:
            return [await _run(service, clock, options)]


def build(folder: Path) -> Path:
    """Compiles the library.

    Raises:
        subprocess.CalledProcessError: it cannot be compiled here.
    """
    library = folder / "clock.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


def move(clock: Path, seconds: int) -> None:
    """Sets how far the clock is off, in place: the file is mapped."""
    with clock.open("r+b", buffering=0) as file:
        file.write(struct.pack("q", seconds))


async def _shift(service: Service) -> float:
    """Seconds by which the service's clock is ahead of ours, by the Date of an answer."""
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        answer = await client.get("/health")
    return parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()


async def _run(service: Service, clock: Path, options: Options) -> Row:
    cases = Cases()
    await service.warm()
    await service.learn([*cases.whole, *cases.streams, cases.quick_transcription], options.timeout)
    row = Row("clock-jump", before=service.resources())
    groups = [(options.clients, cases.whole), (options.clients, cases.streams)]
    jumps: list[float] = []
    async with Load(service.url, groups, service.expected, options.timeout, options.seed) as load:
        for name, seconds in _JUMPS.items():
            await asyncio.sleep(_PAUSE)
            move(clock, seconds)
            jumps.append(time.monotonic())
            try:
                row.recoveries.append(await recovery(service, load, cases.quick_transcription, jumps[-1]))
                await asyncio.sleep(_PAUSE / 2)
                if abs((shift := await _shift(service)) - seconds) > _TOLERANCE:
                    row.violate(f"the clock was set {name}, but the service's is {shift:.0f} s ahead")
            except TimeoutError:
                row.violate(f"no answer within {RECOVERY_SECONDS} s after the clock was set {name}")
                break
        await asyncio.sleep(_PAUSE)
    row.count(load.results)
    row.after = await settled(service)
    row.notes.append(
        f"wall clock set {', '.join(_JUMPS)} in all processes of the service that have its environment; "
        f"{describe(load.results, jumps, row.recoveries)}"
    )
    return row
