"""Breaks the service on purpose and prints what became of its requests: `python -m scripts.chaos`."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Final

import httpx
import psutil

from scripts.bench.machine import Machine
from scripts.bench.table import table
from scripts.chaos.faults import FAULTS, Fault
from scripts.chaos.options import Options, parse
from scripts.chaos.row import HEADER, Row
from scripts.chaos.service import Service, running, started

_HEALTHY_SECONDS: Final = 30
"""How long a service has to become healthy after a fault, before another is started."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the chosen faults one after the other."""
    options = parse(arguments, {name: fault.summary for name, fault in FAULTS.items()})
    if options.list:
        print("\n".join(f"{name:15} {fault.summary}" for name, fault in FAULTS.items()))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the service is ended, too
    rows: list[Row] = []
    interrupted = False
    try:
        with _Shared(options) as shared:
            for name in options.only or FAULTS:
                print(f"{name} ...", file=sys.stderr, flush=True)
                rows += asyncio.run(_run(name, FAULTS[name], shared, options))
    except KeyboardInterrupt:
        interrupted = True
    print(_text(rows))
    if options.json:
        figures = {
            "machine": asdict(Machine.of("cpu")),
            "arguments": {name: str(value) for name, value in asdict(options).items()},
            "rows": [row.figures() for row in rows],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return int(interrupted or any(row.failed for row in rows))


class _Shared(ExitStack):
    """The service that most faults are tried on: started when first needed, and again if a fault was its end."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        self._service: Service | None = None

    def service(self) -> Service:
        if self._options.url:
            return self._service or running(self._options.url)
        if self._service and not _healthy_soon(self._service):
            self.stop()
        if self._service is None:
            self._service = self.enter_context(started())
        return self._service

    def stop(self) -> None:
        """Makes room for a service that a fault starts itself."""
        self.close()
        self._service = None


def _healthy_soon(service: Service) -> bool:
    end = time.monotonic() + _HEALTHY_SECONDS
    while not (healthy := service.healthy()) and time.monotonic() < end:
        time.sleep(0.5)
    return healthy


async def _run(name: str, fault: Fault, shared: _Shared, options: Options) -> list[Row]:
    try:
        if fault.run:
            return await fault.run(await asyncio.to_thread(shared.service), options)
        if options.url or not fault.alone:
            return [Row.not_run(name, "it needs a service of its own; leave --url out.")]
        await asyncio.to_thread(shared.stop)
        return await fault.alone(options)
    except (RuntimeError, OSError, httpx.HTTPError, psutil.Error, subprocess.SubprocessError) as error:
        row = Row(name)
        row.violate(f"{type(error).__name__}: {error}")
        return [row]


def _text(rows: Sequence[Row]) -> str:
    lines = [table(HEADER, [row.cells() for row in rows]), ""]
    lines += [f"- {row.fault}: {note}" for row in rows for note in row.notes]
    lines += [f"- {row.fault}: {failure}" for row in rows for failure in row.failures]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
