"""What decoding processes ask of the kernel, by strace."""

import asyncio
import contextlib
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Final

import httpx

from scripts.chaos.case import Case
from scripts.chaos.load import send
from scripts.chaos.recovery import until
from scripts.chaos.row import Row
from scripts.chaos.service import Service

_OPENING: Final = {
    *("open", "openat", "openat2", "creat", "execve", "execveat", "mkdir", "mkdirat", "unlink", "unlinkat", "rename"),
    *("renameat", "renameat2", "symlink", "link", "socket", "socketpair", "connect", "bind", "listen"),
    *("accept", "accept4"),
}
"""Calls that a decoder has no need of: it reads what it is given, and writes to what it is given."""
_FORKING: Final = {"clone", "clone3", "fork", "vfork"}
_LINE: Final = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED: Final = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_RESULT: Final = re.compile(r"= (-?\d+|\?)(?: (E\w+))?[^=]*$")
_UNFINISHED: Final = " <unfinished ...>"
_SHOWN: Final = 12
_WIDTH: Final = 140


@dataclass
class Calls:
    """What the processes of single clips did."""

    decoders: set[int] = field(default_factory=set)
    filtered: set[int] = field(default_factory=set)
    """Those that gave up rights by seccomp."""
    done: Counter[str] = field(default_factory=Counter)
    """Calls that opened something, by call and arguments: after seccomp, or ever where there was none."""
    denied: Counter[str] = field(default_factory=Counter)
    """Such calls that failed."""
    before: Counter[str] = field(default_factory=Counter)
    """Such calls before seccomp."""


def parse(lines: Iterable[str]) -> Calls:
    """Reads the output of `strace -f -o`, whose lines begin with the thread's id.

    A thread that is not known to descend from a fork belongs to the server.
    """
    calls = list(_whole_calls(lines))
    found = Calls()
    parents: dict[int, int] = {}
    for call in calls:  # first, for a child may act before the call that made it returns
        if call.name in _FORKING and call.result > 0:
            if "CLONE_THREAD" in call.arguments:
                parents[call.result] = call.thread
            else:
                found.decoders.add(call.result)
    opened: list[tuple[int, _Call, bool]] = []
    for call in calls:
        process = call.thread
        while process not in found.decoders and process in parents:
            process = parents[process]
        if process not in found.decoders:
            continue
        if call.name == "seccomp" or (call.name == "prctl" and "PR_SET_SECCOMP" in call.arguments):
            if call.result >= 0 and ("FILTER" in call.arguments or "STRICT" in call.arguments):
                found.filtered.add(process)
        elif call.name in _OPENING:
            opened.append((process, call, process in found.filtered))
    for process, call, after in opened:
        if process in found.filtered and not after:
            found.before[str(call)] += 1
        elif call.result >= 0:
            found.done[str(call)] += 1
        else:
            found.denied[str(call)] += 1
    return found


@dataclass(frozen=True, slots=True)
class _Call:
    thread: int
    name: str
    arguments: str
    result: int
    """-1 if it failed, or did not return."""

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"[:_WIDTH]


def _whole_calls(lines: Iterable[str]) -> Iterator[_Call]:
    """Calls with their results, those that were interrupted put together."""
    unfinished: dict[tuple[int, str], str] = {}
    for line in lines:
        resumed = _RESUMED.match(line)
        match = resumed or _LINE.match(line)
        if not match:
            continue
        thread, name, rest = int(match[1]), match[2], match[3].rstrip()
        if resumed:
            rest = unfinished.pop((thread, name), "") + rest
        elif rest.endswith(_UNFINISHED):
            unfinished[thread, name] = rest.removesuffix(_UNFINISHED)
            continue
        result = _RESULT.search(rest)
        arguments = (rest[: result.start()] if result else rest).strip().removesuffix(")").strip()
        yield _Call(thread, name, arguments, int(result[1]) if result and result[1] != "?" else -1)
    for (thread, name), rest in unfinished.items():
        yield _Call(thread, name, rest, -1)


async def audit(service: Service, sample: Sequence[Case], row: Row, timeout: float) -> None:  # noqa: ASYNC109 - of each
    """Sends files while strace watches the decoding processes, and tells what was seen."""
    servers = [process.pid for process in service.processes.of("decoder")] if service.processes else []
    if not servers or not which("strace"):
        row.notes.append("system calls not recorded: there is no decoding process here, or no strace.")
        return
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-strace-") as folder:
        output = Path(folder) / "calls"
        with _attached(servers, output):
            await until(lambda: all(_traced(pid) for pid in servers), time.monotonic() + 10)
            queue = iter(sample)
            await asyncio.gather(*(_send(service, queue, row, timeout) for _ in range(2)))
            await asyncio.sleep(1)
        with output.open(encoding="utf-8", errors="replace") as lines:
            calls = parse(lines)
    row.notes.append(
        f"strace saw {len(calls.decoders)} decoding processes of {len(sample)} files, {len(calls.filtered)} with "
        f"seccomp. Files or sockets opened: {_list(calls.done)}. Refused to them: {_list(calls.denied)}. "
        f"Before seccomp: {_list(calls.before)}."
    )
    if not calls.decoders:
        row.violate("strace saw no decoding process")
    for call in calls.done:
        row.violate(f"a decoder has opened something: {call}")


async def _send(service: Service, queue: Iterable[Case], row: Row, timeout: float) -> None:  # noqa: ASYNC109
    async with httpx.AsyncClient(base_url=service.url, timeout=None) as client:  # noqa: S113 - send has one
        for case in queue:
            row.count([await send(client, case, timeout)])


@contextlib.contextmanager
def _attached(pids: Sequence[int], output: Path) -> Iterator[None]:
    targets = [word for pid in pids for word in ("-p", str(pid))]
    trace = "trace=%file,%network,%process,seccomp,prctl"
    command = ["strace", "-f", "-qq", "-s", "80", "-e", trace, "-e", "signal=none", "-o", str(output), *targets]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _traced(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(line.startswith("TracerPid:") and not line.endswith("\t0") for line in lines)


def _list(calls: Counter[str]) -> str:
    shown = ", ".join(f"{call} x {count}" for call, count in calls.most_common(_SHOWN))
    return f"{shown} and {len(calls) - _SHOWN} more" if len(calls) > _SHOWN else shown or "none"
