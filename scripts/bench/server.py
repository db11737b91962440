"""Starts, awaits and stops a server for a benchmark."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx

_START_SECONDS: Final = 300
_STOP_SECONDS: Final = 60


@contextmanager
def running(module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Runs `python -m module` on a free port while the context lasts; yields its URL once it is healthy.

    Raises:
        RuntimeError: the server ended, or was not healthy in time; the message is its output.
    """
    port = free_port()
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environment | {"API_HOST": "127.0.0.1", "API_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            if not _healthy(process, url):
                output.seek(0)
                raise RuntimeError(f"{module} did not start:\n{output.read()}")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _healthy(process: "subprocess.Popen[bytes]", url: str) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    return False
