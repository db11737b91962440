"""The processes of a service on this machine, by what they do."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import psutil

T = TypeVar("T")

_TITLES: Final = {
    "llasa": "ray::ServeReplica:llasa-serve:Llasa",
    "xcodec2": "ray::ServeReplica:llasa-serve:XCodec2",
    "whisper": "ray::ServeReplica:llasa-serve:Whisper",
    "ingress": "ray::ServeReplica:llasa-serve:Ingress",
    "jobs": "ray::ServeReplica:llasa-serve:Jobs",
    "proxy": "ray::ProxyActor",
    "controller": "ray::ServeController",
}
MODELS: Final = {"llasa": "Llasa", "xcodec2": "XCodec2", "whisper": "Whisper"}
"""Parts that GET /api/gpu/status knows, by their names there."""
_DECODER: Final = "deployments.audio"


class Processes:
    """A process tree, with whatever else is added to it.

    Args:
        root: The process that started the service.
    """

    def __init__(self, root: psutil.Process) -> None:
        self.roots = [root]
        self._seen: dict[int, psutil.Process] = {}

    def __iter__(self) -> Iterator[psutil.Process]:
        for root in self.roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in (root, *root.children(recursive=True)):
                    self._seen[process.pid] = process
                    yield process

    def of(self, part: str) -> list[psutil.Process]:
        """Processes of a part: a key of the titles, `decoder`, `decoder-child`, `gcs` or `raylet`."""
        if part == "decoder":
            return [process for process in self._decoders() if _is_server(process)]
        if part == "decoder-child":
            return [process for process in self._decoders() if not _is_server(process)]
        if part in ("gcs", "raylet"):
            name = {"gcs": "gcs_server"}.get(part, part)
            return [process for process in self if _get(process.name, "") == name]
        return [process for process in self if is_title(" ".join(_words(process)).strip(), _TITLES[part])]

    def _decoders(self) -> list[psutil.Process]:
        return [process for process in self if _is_decoder(process)]

    def rss_mb(self) -> float:
        """Resident memory of all."""
        return sum(_rss(process) for process in self) / 1e6

    def cpu_seconds(self) -> float:
        """CPU time of all that run, and of the children that they have waited for."""
        return sum(_cpu(process) for process in self)

    def fds(self) -> int:
        """Open files and sockets of all."""
        return sum(_get(process.num_fds, 0) for process in self)

    def survivors(self) -> list[psutil.Process]:
        """Processes that were ever seen here and still run."""
        list(self)
        return [process for process in self._seen.values() if process.is_running()]


def children(pid: int) -> list[int]:
    """Pids of a process's own children: much faster than psutil, which reads all of /proc."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def is_title(text: str, title: str) -> bool:
    """Whether a process title is a Ray actor's, which may have the running method after a dot."""
    return text == title or text.startswith(f"{title}.")


def serving(port: int) -> psutil.Process:
    """The root of the service that listens on a port of this machine.

    Raises:
        LookupError: nobody listens there, or it is not Ray.
    """
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            for parent in psutil.Process(connection.pid).parents():
                if _get(parent.name, "") == "raylet":
                    above = parent.parent()
                    return above if above and "serve" in _words(above) else parent
    raise LookupError(f"no Ray process listens on port {port}")


def _is_decoder(process: psutil.Process) -> bool:
    return any(_DECODER in word for word in _words(process))


def _is_server(decoder: psutil.Process) -> bool:
    """Whether it decodes by others: it is a Ray worker's child. What forks has the same command line."""
    parent = _get(decoder.parent, None)
    return parent is not None and " ".join(_words(parent)).startswith("ray::")


def _rss(process: psutil.Process) -> int:
    return _get(lambda: int(process.memory_info().rss), 0)


def _cpu(process: psutil.Process) -> float:
    return _get(lambda: float(sum(process.cpu_times()[:4])), 0.0)


def _words(process: psutil.Process) -> list[str]:
    nothing: list[str] = []
    return _get(process.cmdline, nothing)


def _get(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except psutil.Error:
        return otherwise
