"""Decodes uploads in separate processes, where a crash does no harm."""

import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import deployments
from deployments.audio.reading import Findings
from deployments.metric import Metric

logger = logging.getLogger(__name__)

DECODER_FAILURES: Final = Metric(
    "audio_decoder_failures_total", "counter", "Files whose decoding process died or was killed.", ("reason",)
)
_CPU_SECONDS: Final = 10
"""CPU seconds to decode any file; and as much again for every `_CPU_SHARE` seconds that it may last."""
_CPU_SHARE: Final = 300


class Decoder:
    """Decodes files in separate processes. Close it after use.

    Args:
        count: Called for each file whose process died or was killed.
    """

    def __init__(self, count: Callable[[str], object] = lambda reason: None) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._start()

    def close(self) -> None:
        """Ends the decoding processes. Blocks briefly."""
        with self._lock:
            self._stop()

    def submit(self, file: IO[bytes], longest: float) -> tuple[socket.socket, socket.socket]:
        """Starts to decode a file. Blocks briefly.

        Returns:
            The sockets for the answer and for the exit status of the decoder; the caller closes both.

        Raises:
            OSError: the decoding processes cannot be started.
        """
        job = json.dumps({"longest": longest, "cpu_seconds": _CPU_SECONDS * (1 + int(longest / _CPU_SHARE))}).encode()
        (answer, their_answer), (verdict, their_verdict) = socket.socketpair(), socket.socketpair()
        with their_answer, their_verdict, self._lock:
            for attempt in (1, 2):
                control = self._control or self._start()
                try:
                    self._greet(control)
                    socket.send_fds(control, [job], [file.fileno(), their_answer.fileno(), their_verdict.fileno()])
                    break
                except OSError:
                    logger.warning("The decoding server has died and is started again.")
                    self._stop()
                    if attempt == 2:
                        answer.close()
                        verdict.close()
                        raise
        answer.setblocking(False)
        verdict.setblocking(False)
        return answer, verdict

    def failed(self, file: IO[bytes], findings: Findings, reason: str) -> None:
        """Counts and logs a file at which a decoder was ended; logs its hash, since its content is private. Blocks."""
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        self._count(reason)
        container = findings.container or "unknown container"
        logger.warning("A decoder ended (%s) at a file of %s, SHA-256 %s", reason, container, digest)

    def _greet(self, control: socket.socket) -> None:
        """Waits until a server that was just started is ready."""
        if not self._ready:
            if not (greeting := control.recv(1_000)):
                raise ConnectionResetError
            self._ready = True
            if problem := json.loads(greeting)["problem"]:
                logger.warning(
                    "No seccomp (%s): only limits restrict decoders. See docs/guides/audio-files.md.", problem
                )

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # No settings and keys: a decoder does not need them.
            environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
            root = str(Path(deployments.__file__).parent.parent)
            environment |= {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            self._server = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "deployments.audio.decoding_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        self._control, self._ready = ours, False
        return ours

    def _stop(self) -> None:
        if self._control:
            self._control.close()
            self._control = None
        if self._server:
            self._server.kill()
            self._server.wait()
            self._server = None
