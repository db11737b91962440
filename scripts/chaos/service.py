"""The service under attack: one that is started here, or one that runs."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import psutil

from deployments.settings import Settings
from scripts.bench.server import free_port
from scripts.chaos.case import Case
from scripts.chaos.load import send
from scripts.chaos.outcome import Outcome
from scripts.chaos.processes import Processes, serving
from scripts.chaos.reply import exchange
from scripts.chaos.row import Resources

_START_SECONDS: Final = 300
_STOP_SECONDS: Final = 120
_LOCAL: Final = {"127.0.0.1", "localhost", "::1"}


class Service:
    """A running service.

    Args:
        url: Where it answers.
        processes: Its processes, where they can be reached.
        folder: Parent of its folders, where they are ours.
        process: The process that was started here.
    """

    def __init__(
        self,
        url: str,
        processes: Processes | None = None,
        folder: Path | None = None,
        process: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        self.url = url
        self.processes = processes
        self.folder = folder
        self._process = process
        self.expected: dict[str, bytes] = {}
        """Content of right answers by the case's name."""

    def resources(self) -> Resources | None:
        """What its processes hold now."""
        if self.processes is None:
            return None
        files = None
        if self.folder is not None:
            spilled = [self.folder / "temp", self.folder / "tmp"]
            files = sum(path.is_file() for folder in spilled for path in folder.rglob("*"))
        return Resources(self.processes.rss_mb(), self.processes.fds(), files)

    async def learn(self, cases: list[Case], timeout: float) -> None:  # noqa: ASYNC109 - of each request
        """Asks for the right answers beforehand.

        Raises:
            RuntimeError: a request failed although nothing is broken yet.
        """
        async with httpx.AsyncClient(base_url=self.url, timeout=None) as client:  # noqa: S113 - exchange has one
            for case in cases:
                if case.name in self.expected:
                    continue
                reply = await exchange(client, case, timeout)
                content = case.content(reply.body) if reply.status == 200 and not reply.error else None
                if content is None:
                    raise RuntimeError(f"{case.name} failed before any fault: {reply.status} {reply.body[:200]!r}")
                self.expected[case.name] = content
                again = await send(client, case, timeout, content)
                if again.outcome is not Outcome.RIGHT:
                    raise RuntimeError(f"{case.name} cannot be repeated: {again.detail}")

    async def warm(self) -> None:
        """Loads every model and keeps it loaded."""
        async with httpx.AsyncClient(base_url=self.url, timeout=200) as client:
            answer = await client.post("/api/gpu/warm", params={"wait": 180, "pin": True})
            if answer.status_code != 200:
                raise RuntimeError(f"The models cannot be loaded: {answer.status_code} {answer.text[:300]}")

    def wait_until_healthy(self) -> None:
        """Returns when it can serve.

        Raises:
            RuntimeError: it ended, or it cannot after a while; its output is the message.
        """
        assert self._process  # noqa: S101 - for services that are started here
        assert self.folder  # noqa: S101
        end = time.monotonic() + _START_SECONDS
        while not self.healthy():
            if self._process.poll() is not None or time.monotonic() > end:
                report = (self.folder / "output").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"The service did not start:\n{report[-4000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends it as Ctrl-C does, and kills what is left of it."""
        assert self._process  # noqa: S101 - for services that are started here
        assert self.processes  # noqa: S101
        self.processes.survivors()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        for survivor in self.processes.survivors():
            with contextlib.suppress(psutil.Error):
                survivor.kill()
        self._process.wait()

    def healthy(self) -> bool:
        """Whether it can serve."""
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def running(url: str) -> Service:
    """A service that somebody else started; its processes are found if it is on this machine."""
    parts = urlsplit(url)
    processes = None
    if parts.hostname in _LOCAL:
        with contextlib.suppress(LookupError, psutil.Error):
            processes = Processes(serving(parts.port or 80))
    return Service(url.rstrip("/"), processes)


@contextmanager
def started(environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Starts `llasa-serve serve` with folders of its own, and ends it and all its processes.

    Raises:
        RuntimeError: it did not start; its output is the message.
    """
    with launched([sys.executable, "-m", "cli", "serve"], environment or {}) as service:
        service.wait_until_healthy()
        yield service


@contextmanager
def launched(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Service]:
    """Starts a command that runs the service, with a port and folders of its own; ends it and all its processes."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="llasa-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("voices", "outputs", "temp", "tmp"):
            (folder / part).mkdir()
        process = _start(command, folder, port, environment)
        service = Service(f"http://127.0.0.1:{port}", Processes(psutil.Process(process.pid)), folder, process)
        try:
            yield service
        finally:
            service.stop()


def _start(
    command: Sequence[str], folder: Path, port: int, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    own = {
        "PROFILE": "nano",
        "API_HOST": "127.0.0.1",
        "API_PORT": str(port),
        "VOICES_DIR": str(folder / "voices"),
        "JOBS_DIR": str(folder / "jobs"),
        "OUTPUTS_DIR": str(folder / "outputs"),
        "TEMP_DIR": str(folder / "temp"),
        "TMPDIR": str(folder / "tmp"),  # anything else that is left behind
        "RAY_TMPDIR": "/tmp",  # noqa: S108 - Ray's default: its sockets need short paths
    }
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            command,
            env={**inherited, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C ends it through us
        )
