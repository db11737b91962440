"""SIGKILL for one process at a time, under clients."""

import asyncio
import random
import time
from collections.abc import Sequence

import httpx
import psutil

from scripts.chaos.case import Case, Cases
from scripts.chaos.load import Load, Result
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.processes import MODELS, Processes, children
from scripts.chaos.recovery import RECOVERY_SECONDS, recovery, settled, until
from scripts.chaos.row import Row
from scripts.chaos.service import Service


def requests_for(part: str, cases: Cases) -> tuple[Sequence[Case], Sequence[Case], Case]:
    """Whole requests, streams and a quick request, all of which need a part."""
    match part:
        case "llasa":
            return cases.speech, cases.speech_streams, cases.quick_speech
        case "xcodec2":
            return [*cases.speech, *cases.clones], cases.speech_streams, cases.quick_speech
        case "whisper":
            return cases.transcriptions, cases.transcription_streams, cases.quick_transcription
        case "decoder":
            return [*cases.transcriptions, *cases.clones], cases.transcription_streams, cases.quick_transcription
        case "decoder-child":
            return cases.long_clips, cases.transcription_streams, cases.quick_transcription
    return cases.whole, cases.streams, cases.quick_transcription


async def kill(part: str, service: Service, options: Options) -> Row:
    """Kills a part so many times, each time after it has recovered."""
    fault = f"kill-{part}"
    processes = service.processes
    if processes is None:
        return Row.not_run(fault, "the service's processes are not on this machine.")
    await service.warm()
    if not processes.of(_whole(part)):
        return Row.not_run(fault, f"the service has no {part} process.")
    whole, streams, quick = requests_for(part, Cases())
    await service.learn([*whole, *streams, quick], options.timeout)
    row = Row(fault, before=service.resources())
    pauses = random.Random(options.seed)  # noqa: S311 - repeatable
    groups = [(options.clients, whole), (options.clients, streams)]
    kills: list[float] = []
    in_flight = 0
    count = len(processes.of(_whole(part)))
    async with Load(service.url, groups, service.expected, options.timeout, options.seed) as load:
        for _ in range(options.kills):
            await asyncio.sleep(pauses.uniform(0.5, 2.5))
            try:
                in_flight += load.in_flight
                kills.append(await _strike(processes, part))
                row.recoveries.append(await recovery(service, load, quick, kills[-1]))
                await until(lambda: _present(service, processes, part, count), kills[-1] + RECOVERY_SECONDS)
            except TimeoutError:
                row.violate(f"no recovery within {RECOVERY_SECONDS} s after kill {len(kills)}")
                break
    row.count(load.results)
    row.after = await settled(service)
    row.notes.append(
        f"{len(kills)} kills with {in_flight} requests in flight; {describe(load.results, kills, row.recoveries)}"
    )
    return row


def describe(results: Sequence[Result], faults: Sequence[float], recoveries: Sequence[float]) -> str:
    """When lost requests were sent: before a fault, or while nobody answered."""
    spans = [(fault, fault + seconds) for fault, seconds in zip(faults, recoveries, strict=False)]
    lost = [result for result in results if result.outcome is Outcome.LOST]
    during = sum(any(begin < one.begin < end for begin, end in spans) for one in lost)
    return f"lost: {len(lost) - during} that were in flight at a kill, {during} that were sent before the recovery."


async def _strike(processes: Processes, part: str) -> float:
    """Kills one process of a part as soon as there is one, and gives the time.

    Raises:
        TimeoutError: there was none.
    """
    servers = [server.pid for server in processes.of("decoder")] if part == "decoder-child" else None
    instant: float | None = None

    def struck() -> bool:
        nonlocal instant
        if servers is None:
            pids = [process.pid for process in processes.of(part)]
        else:  # children live for milliseconds
            pids = [pid for server in servers for pid in children(server)]
        if not pids:
            return False
        instant = time.monotonic()
        try:
            psutil.Process(pids[0]).kill()
        except psutil.NoSuchProcess:
            return False
        return True

    await until(struck, time.monotonic() + RECOVERY_SECONDS, poll=0.1 if servers is None else 0.001)
    return instant or time.monotonic()


def _whole(part: str) -> str:
    """The part whose processes are always there."""
    return "decoder" if part == "decoder-child" else part


async def _present(service: Service, processes: Processes, part: str, count: int) -> bool:
    """Whether a part has as many processes as before."""
    if part not in MODELS:
        return len(processes.of(_whole(part))) >= count
    try:
        async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
            models = (await client.get("/api/gpu/status")).json()["models"]
    except (httpx.HTTPError, ValueError, KeyError):
        return False
    return any(one["state"] == "ready" and psutil.pid_exists(one["pid"]) for one in models[MODELS[part]]["replicas"])
