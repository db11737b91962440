"""A second Ray node that dies."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import psutil

from scripts.chaos.case import Cases
from scripts.chaos.kills import describe
from scripts.chaos.load import Load
from scripts.chaos.options import Options
from scripts.chaos.processes import MODELS, Processes
from scripts.chaos.recovery import RECOVERY_SECONDS, recovery, settled, until
from scripts.chaos.row import Row
from scripts.chaos.service import Service, started

_JOIN_SECONDS: Final = 90
_MOVES: Final = 5


async def kill_node(options: Options) -> list[Row]:
    """SIGKILL for the raylet of a second node of this machine that holds model replicas."""
    with started() as service:
        if service.processes is None:
            raise RuntimeError("a started service has processes")
        return [await _run(service, service.processes, options)]


async def _run(service: Service, processes: Processes, options: Options) -> Row:
    cases = Cases()
    await service.warm()
    await service.learn([*cases.whole, *cases.streams, cases.quick_speech], options.timeout)
    row = Row("kill-node", before=service.resources())
    groups = [(options.clients, cases.whole), (options.clients, cases.streams)]
    kills: list[float] = []
    held: list[str] = []
    loads: list[Load] = []
    for _ in range(options.kills):
        async with _second_node(processes) as node:
            held += (there := await _moved(service, node))
            if not there:
                row.violate(f"no model came to the second node in {_MOVES} tries")
                break
            async with Load(service.url, groups, service.expected, options.timeout, options.seed) as load:
                loads.append(load)
                await asyncio.sleep(2)
                kills.append(time.monotonic())
                for raylet in node.of("raylet"):
                    raylet.kill()
                try:
                    row.recoveries.append(await recovery(service, load, cases.quick_speech, kills[-1]))
                except TimeoutError:
                    row.violate(f"no recovery within {RECOVERY_SECONDS} s after kill {len(kills)}")
                    break
    results = [result for load in loads for result in load.results]
    row.count(results)
    row.after = await settled(service)
    row.notes.append(
        f"{len(kills)} raylets of a second node killed, which held {', '.join(held) or 'nothing'}; "
        f"{describe(results, kills, row.recoveries)}"
    )
    return row


@asynccontextmanager
async def _second_node(processes: Processes) -> AsyncIterator[Processes]:
    """A node of its own processes that has joined the service's cluster."""
    raylet = processes.of("raylet")[0]
    [address] = [word.partition("=")[2] for word in raylet.cmdline() if word.startswith("--gcs-address=")]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={address}", "--num-cpus=1", "--block"]
    environment = raylet.environ() | {"RAY_ADDRESS": "", "PATH": os.environ["PATH"]}
    child = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    node = Processes(psutil.Process(child.pid))
    processes.roots.append(node.roots[0])
    try:
        await until(lambda: bool(node.of("raylet")), time.monotonic() + _JOIN_SECONDS)
        yield node
    finally:
        processes.roots.remove(node.roots[0])
        for survivor in node.survivors():
            with contextlib.suppress(psutil.Error):
                survivor.kill()
        child.wait()


async def _moved(service: Service, node: Processes) -> list[str]:
    """Unloads and loads models until one is on the node; Serve spreads replicas. Gives their names."""
    async with httpx.AsyncClient(base_url=service.url, timeout=200) as client:
        for _ in range(_MOVES):
            await client.post("/api/gpu/release", params={"wait": 60})
            await service.warm()
            if held := [name for part, name in MODELS.items() if node.of(part)]:
                return held
            await asyncio.sleep(2)
    return []
