"""The wall clock jumps by a day, forth and back."""

# ruff: noqa: ASYNC240 - two short accesses of a file

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from scripts.chaos.case import Cases
from scripts.chaos.kills import told
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.recovery import RECOVERY_SECONDS, recovery, settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service, started

_JUMPS: Final = {"a day ahead": "+86400", "back": "+0", "an hour back": "-3600", "to the true time": "+0"}
_PAUSE: Final = 6.0
"""Seconds between jumps: several of Serve's health checks and records."""


async def clock_jump(options: Options) -> list[Row]:
    """Starts a service under libfaketime, which reads the jumps from a file."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        return [Row.not_run("clock-jump", "libfaketime is missing (Debian: `apt-get install faketime`).")]
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-clock-") as folder:
        clock = Path(folder) / "clock"
        clock.write_text("+0\n", encoding="ascii")
        environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # as a real jump: timeouts run on
        }
        with started(environment) as service:
            return [await _run(service, clock, options)]


async def _run(service: Service, clock: Path, options: Options) -> Row:
    cases = Cases()
    await service.warm()
    await service.learn([*cases.whole, *cases.streams, cases.quick_transcription], options.timeout)
    row = Row("clock-jump", before=service.resources())
    groups = [(options.clients, cases.whole), (options.clients, cases.streams)]
    jumps: list[float] = []
    async with Load(service.url, groups, service.expected, options.timeout, options.seed) as load:
        for name, offset in _JUMPS.items():
            await asyncio.sleep(_PAUSE)
            clock.write_text(f"{offset}\n", encoding="ascii")
            jumps.append(time.monotonic())
            try:
                row.recoveries.append(await recovery(service, load, cases.quick_transcription, jumps[-1]))
            except TimeoutError:
                row.violate(f"no answer within {RECOVERY_SECONDS} s after the clock was set {name}")
                break
        await asyncio.sleep(_PAUSE)
    row.count(load.results)
    row.after = await settled(service)
    row.notes.append(
        f"clock set {', '.join(_JUMPS)} by libfaketime in all its processes; {told(load, jumps, row.recoveries)}"
    )
    return row
