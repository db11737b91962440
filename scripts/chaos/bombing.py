"""Bombs, and how long others wait meanwhile."""

import asyncio
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import httpx

from scripts.bench.measurement import percentile
from scripts.chaos.bombs import BOMBS
from scripts.chaos.case import Case, Cases
from scripts.chaos.load import Result, send
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome, judge
from scripts.chaos.recovery import settled
from scripts.chaos.reply import Reply
from scripts.chaos.row import Row
from scripts.chaos.service import Service

_PROBES: Final = 5
"""Of each request, at least."""


async def bombing(service: Service, options: Options) -> list[Row]:
    """Sends each bomb, one after the other, while a client measures the latency of normal requests."""
    cases = Cases()
    normal = [cases.quick_speech, cases.quick_transcription]
    await service.warm()
    await service.learn(normal, options.timeout)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-bombs-") as folder:
        for name, make in BOMBS.items():
            file = await asyncio.to_thread(make, Path(folder))
            row = Row(f"bomb {name}", before=service.resources())
            idle = asyncio.create_task(asyncio.sleep(0))
            alone = await _probed(service, normal, idle, row, options)
            sender = asyncio.create_task(_bomb(service, name, file, options))
            beside = await _probed(service, normal, sender, row, options)
            bombs = await sender
            row.count(bombs)
            row.after = await settled(service)
            ratios = [percentile(beside[case], 50) / percentile(alone[case], 50) for case in alone if case in beside]
            report = "; ".join(sorted({f"{one.outcome.value} {one.detail}".strip() for one in bombs}))
            row.notes.append(
                f"{file.stat().st_size / 1e6:.1f} MB, answered in {max(one.latency for one in bombs):.1f} s at most: "
                f"{report}. Latency of others: {', '.join(f'{ratio:.2f}' for ratio in ratios)} x before."
            )
            rows.append(row)
    return rows


async def _probed(
    service: Service, cases: list[Case], until: "asyncio.Task[object]", row: Row, options: Options
) -> dict[str, list[float]]:
    """Latencies of normal requests until a task ends, and at least some."""
    latencies: dict[str, list[float]] = defaultdict(list)
    rounds = 0
    async with httpx.AsyncClient(base_url=service.url, timeout=None) as client:  # noqa: S113 - send has one
        while rounds < _PROBES or not until.done():
            rounds += 1
            for case in cases:
                result = await send(client, case, options.timeout, service.expected.get(case.name))
                row.count([result])
                if result.outcome is Outcome.RIGHT:
                    latencies[case.name].append(result.latency)
    return latencies


async def _bomb(service: Service, name: str, file: Path, options: Options) -> list[Result]:
    """Sends a file again and again, at least so many times and long enough for the probes, by a process of its own."""
    case = Case(name, "/v1/audio/transcriptions", text=True)
    results: list[Result] = []
    end = time.monotonic() + 3
    while len(results) < options.bombs or time.monotonic() < end:
        begin = time.monotonic()
        command = ["curl", "-sS", "-m", str(options.timeout), "-F", "model=whisper-1", "-F", f"file=@{file}"]
        command += ["-w", "\n%{http_code}", service.url + case.path]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, error = await process.communicate()
        body, _, status = output.rpartition(b"\n")
        failed = error.decode().strip() if process.returncode else ""
        reply = Reply(int(status) or None if status.isdigit() else None, {}, body, failed)
        verdict = judge(case, reply)
        results.append(Result(name, verdict.outcome, verdict.detail, reply.status, begin, time.monotonic()))
    return results
