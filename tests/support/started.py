"""The service as a process of its own, started by a command."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Queue

import psutil

from deployments.settings import Settings


def without_settings() -> dict[str, str]:
    """The environment without settings: a service of this session has put its own there."""
    return {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}


class Started:
    """A running command, whose lines are read as they come."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**without_settings(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue = Queue[str | None]()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(line.rstrip())
        self._queue.put(None)

    def until(self, text: str | None, within: float = 240) -> str:
        """Reads up to a line that holds the text (None: to the end), and returns all lines so far."""
        while True:
            line = self._queue.get(timeout=within)
            if line is None:
                assert text is None, f"ended before {text!r}:\n" + "\n".join(self.lines)
                self.process.wait(timeout=within)
                return "\n".join(self.lines)
            self.lines.append(line)
            if text and text in line:
                return "\n".join(self.lines)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        """Ends it with all its processes, if it has not ended yet."""
        if self.process.poll() is None:
            for process in self.family():
                process.kill()
            self.process.kill()
            self.process.wait(timeout=30)
        assert self.process.stdout
        self.process.stdout.close()
