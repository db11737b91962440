"""Ray's global control store dies, with and without a Redis that keeps its state."""

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

import psutil

from scripts.chaos.case import Cases
from scripts.chaos.kills import describe
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.outcome import Outcome
from scripts.chaos.processes import Processes
from scripts.chaos.recovery import RECOVERY_SECONDS, recovery, settled
from scripts.chaos.row import Row
from scripts.chaos.service import Service, started


async def kill_gcs(options: Options) -> list[Row]:
    """SIGKILL for gcs_server, which nothing starts again: for how long does the service go on?"""
    with started() as service:
        cases = Cases()
        await _prepare(service, cases, options)
        row = Row("kill-gcs", before=service.resources())
        async with _load(service, cases, options) as load:
            await asyncio.sleep(2)
            killed = time.monotonic()
            _kill(_processes(service))
            await asyncio.sleep(options.seconds)
        row.count(load.results)
        row.recoveries += [one.end - killed for one in load.successes_since(killed)[:1]]
        row.after = service.resources()
        last = max((one.end for one in load.results if one.outcome is Outcome.RIGHT), default=killed) - killed
        bad = [one for one in load.results if one.outcome in (Outcome.LOST, Outcome.WRONG, Outcome.BROKEN_OFF)]
        first = f"{min(one.end for one in bad) - killed:.1f} s" if bad else "never"
        row.notes.append(
            f"watched for {options.seconds:g} s without a restart of GCS: first failure {first} after the kill, last "
            f"right answer after {last:.1f} s; healthy at the end: {service.healthy()}; "
            f"main process alive: {_processes(service).roots[0].is_running()}"
        )
        return [row]


async def kill_gcs_redis(options: Options) -> list[Row]:
    """SIGKILL for gcs_server, which is started again on its Redis each time, as KubeRay does."""
    fault = "kill-gcs-redis"
    if not which("redis-server"):
        return [Row.not_run(fault, "redis-server is missing (Debian: `apt-get install redis-server`).")]
    with _redis() as address, started({"RAY_REDIS_ADDRESS": address}) as service:
        cases = Cases()
        await _prepare(service, cases, options)
        row = Row(fault, before=service.resources())
        kills: list[float] = []
        restarted: list[subprocess.Popen[bytes]] = []
        async with _load(service, cases, options) as load:
            for _ in range(options.kills):
                await asyncio.sleep(2)
                kills.append(time.monotonic())
                restarted.append(_start_again(_processes(service), *_kill(_processes(service))))
                try:
                    row.recoveries.append(await recovery(service, load, cases.quick_speech, kills[-1]))
                    await asyncio.sleep(5)  # its clients reconnect
                    await service.warm()  # which asks the controller
                except (TimeoutError, RuntimeError) as error:
                    row.violate(f"not recovered within {RECOVERY_SECONDS} s after kill {len(kills)}: {error}")
                    break
        row.count(load.results)
        row.after = await settled(service)
        row.notes.append(
            f"{len(kills)} kills, each GCS started again at once; {describe(load.results, kills, row.recoveries)}"
        )
        for process in restarted:
            process.kill()
            process.wait()
        return [row]


async def _prepare(service: Service, cases: Cases, options: Options) -> None:
    await service.warm()
    await service.learn([*cases.whole, *cases.streams, cases.quick_speech], options.timeout)


def _load(service: Service, cases: Cases, options: Options) -> Load:
    groups = [(options.clients, cases.whole), (options.clients, cases.streams)]
    return Load(service.url, groups, service.expected, options.timeout, options.seed)


def _processes(service: Service) -> Processes:
    if service.processes is None:
        raise RuntimeError("a started service has processes")
    return service.processes


def _kill(processes: Processes) -> tuple[list[str], dict[str, str]]:
    """Kills gcs_server; gives its command and environment, with the port that it listened on."""
    [gcs] = processes.of("gcs")
    [raylet] = processes.of("raylet")
    [address] = [word.partition("=")[2] for word in raylet.cmdline() if word.startswith("--gcs-address=")]
    port = address.rpartition(":")[2]
    command = [f"--gcs_server_port={port}" if word.startswith("--gcs_server_port=") else word for word in gcs.cmdline()]
    environment = gcs.environ()
    gcs.kill()
    with contextlib.suppress(psutil.TimeoutExpired):
        gcs.wait(5)
    return command, environment


def _start_again(processes: Processes, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    processes.roots.append(psutil.Process(child.pid))
    return child


@contextmanager
def _redis() -> Iterator[str]:
    """A Redis that keeps nothing on disk; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-redis-") as folder:
        command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", folder]
        process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
        try:
            time.sleep(1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()
