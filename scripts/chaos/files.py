"""Mutated files, sent where the service takes clips."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil

from scripts.chaos.audit import audit
from scripts.chaos.case import Case
from scripts.chaos.corpus import corpus
from scripts.chaos.load import Result, send
from scripts.chaos.mutations import Mutant, mutants
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.processes import Processes
from scripts.chaos.recovery import settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service

_PATHS = [*["/v1/audio/transcriptions"] * 15, *["/api/transcribe"] * 3, "/api/tts", "/v1/audio/voices"]


async def files(service: Service, options: Options) -> list[Row]:
    """Sends each file once and watches the processes; then records system calls, if that is asked for."""
    originals = await asyncio.to_thread(corpus)
    await service.warm()
    plain = [Mutant(number, name, "plain", data) for number, (name, data) in enumerate(originals.items())]
    watch = _Watch(service.processes)
    heard = await _send_all(service, iter(plain), options, watch)  # which also brings memory to its level
    row = Row("files", before=await settled(service))
    read = [one.base for one, result in heard if result.outcome is Outcome.RIGHT]
    refused = [one.base for one, result in heard if result.outcome is not Outcome.RIGHT]
    begin = time.monotonic()
    sent = await _send_all(service, mutants(originals, options.files, options.seed), options, watch)
    seconds = time.monotonic() - begin
    row.count(result for _, result in [*heard, *sent])
    row.after = await settled(service)
    row.notes.append(f"{len(originals)} kinds of files; unchanged, {len(read)} are read; not: {', '.join(refused)}")
    row.notes.append(f"{len(sent)} mutated files in {seconds:.0f} s; memory meanwhile {watch.memory()} MB")
    statuses = Counter(str(result.status) for _, result in sent)
    row.notes.append(f"statuses: {', '.join(f'{status} x {number}' for status, number in statuses.most_common())}")
    for part, deaths in watch.deaths.items():
        row.notes.append(f"{part}: {deaths} processes died")
        if part != "decoder":  # which may be replaced
            row.violations += deaths
    hung = watch.older_than(options.timeout)
    row.violations += hung
    row.notes.append(f"decoding processes older than {options.timeout:g} s at the end: {hung}")
    if options.strace:
        sample = [_case(mutant) for mutant in mutants(originals, options.strace, options.seed + 1)]
        await audit(service, sample, row, options.timeout)
    return [row]


async def _send_all(
    service: Service, source: Iterator[Mutant], options: Options, watch: "_Watch"
) -> list[tuple[Mutant, Result]]:
    sent: list[tuple[Mutant, Result]] = []
    lock = asyncio.Lock()

    async def client() -> None:
        async with httpx.AsyncClient(base_url=service.url, timeout=None) as http:  # noqa: S113 - send has one
            while True:
                async with lock:
                    mutant = await asyncio.to_thread(next, source, None)
                if mutant is None:
                    return
                case = _case(mutant)
                result = await send(http, case, options.timeout)
                sent.append((mutant, result))
                if result.outcome is Outcome.LOST and options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{mutant.number}-{mutant.mutation}-{mutant.base}").write_bytes(mutant.data)
                if result.status == 200 and case.fields and "consent" in case.fields:
                    with suppress(httpx.HTTPError):
                        await http.delete(f"/v1/audio/voices/{case.fields['name']}", timeout=30)

    async with watch:
        await asyncio.gather(*(client() for _ in range(options.clients)))
    return sent


def _case(mutant: Mutant) -> Case:
    """A request with a file: nearly always one that is cheap beside the decoding."""
    chance = random.Random(f"{mutant.base} {mutant.number}")  # noqa: S311 - repeatable
    path = "/v1/audio/transcriptions" if mutant.mutation == "plain" else chance.choice(_PATHS)
    clip = (f"clip.{mutant.base.rpartition('.')[2]}", mutant.data)
    name = f"{mutant.mutation} {mutant.base} #{mutant.number} to {path}"
    match path:
        case "/v1/audio/transcriptions":
            return Case(name, path, fields={"model": "whisper-1"}, files={"file": clip}, text=True)
        case "/api/transcribe":
            return Case(name, path, files={"audio": clip}, text=True)
        case "/api/tts":
            fields = {"target_text": "Hello.", "ref_text": "Good morning.", "ref_check": "off"}
            return Case(name, path, fields=fields, files={"audio": clip})
    fields = {
        "name": f"chaos {mutant.number}",
        "consent": "my own voice",
        "ref_text": "Good morning.",
        "ref_check": "off",
    }
    return Case(name, path, fields=fields, files={"audio_sample": clip})


class _Watch:
    """Looks at the processes twice a second: who has died, and what memory is used."""

    def __init__(self, processes: Processes | None) -> None:
        self.deaths = dict.fromkeys(("ingress", "proxy", "controller", "whisper", "decoder"), 0) if processes else {}
        self._processes = processes
        self._alive: dict[str, set[psutil.Process]] = {part: set() for part in self.deaths}
        self._memory: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._processes:
            self._task = asyncio.create_task(self._look(self._processes))

    async def __aexit__(self, *error: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, processes: Processes) -> None:
        while True:
            for part in self.deaths:
                now = set(await asyncio.to_thread(processes.of, part))
                self.deaths[part] += len(self._alive[part] - now)
                self._alive[part] = now
            self._memory.append(await asyncio.to_thread(processes.rss_mb))
            await asyncio.sleep(0.5)

    def memory(self) -> str:
        """Memory at the start, at each quarter and at the end."""
        if not self._memory:
            return "-"
        last = len(self._memory) - 1
        return ", ".join(f"{self._memory[last * quarter // 4]:.0f}" for quarter in range(5))

    def older_than(self, seconds: float) -> int:
        """Decoding processes of one clip that should have ended long ago."""
        found = self._processes.of("decoder-child") if self._processes else []
        ages = [time.time() - process.create_time() for process in found if process.is_running()]
        return sum(age > seconds for age in ages)
