"""The process that decodes uploads: `python -m deployments.audio.decoding_server FD`.

It has all of FFmpeg loaded and forks a child for each file, which takes milliseconds. The child drops its rights,
decodes, answers and exits; it has seen no other file, and whatever it breaks affects no other request.

A job comes over the socket FD (SOCK_SEQPACKET) as JSON with three descriptors: the file, a socket for the answer, and
one for the child's exit status: `{"status": n}`, a signal's number or 0. The caller ends the child by closing that one.
The answer is a sequence of messages, each a line of JSON followed by as many bytes as its `bytes` says:

    {"found": {...}, "bytes": 0}    the container and codec, before the first audio
    {"bytes": n}                    float32 samples, mono at 16 kHz
    {"ended": {...}, "bytes": 0}    all findings; the last message
    {"refused": "...", "bytes": 0}  sent instead: why the file is rejected
"""

import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from io import BytesIO
from typing import IO, Any, Final

from deployments.audio.reading import Findings, read_audio
from deployments.audio.sandbox import Sandbox
from deployments.errors import InvalidAudio

_JOB: Final = 4096
"""Maximum bytes of a job."""
NO_MEMORY: Final = "memory"
"""Sent instead of a message when the memory limit is reached."""


def main() -> None:
    """Serves until the other end of the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal: the service ends us
    with socket.socket(fileno=int(sys.argv[1])) as control:
        sandbox = Sandbox()
        control.send(json.dumps({"problem": sandbox.problem}).encode())
        _rehearse()
        gc.freeze()  # so that children share these pages
        _Server(control, sandbox).serve()


def _rehearse() -> None:
    """Imports all that children may need, and decodes a file: they cannot open any module."""
    for kind in ("audio", "subtitles", "video"):
        import_module(f"av.{kind}.codeccontext")  # PyAV imports them when a file has such a track
    size = 3200
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16)
    file = struct.pack("<4sI4s", b"RIFF", size + 36, b"WAVE") + form + struct.pack("<4sI", b"data", size) + bytes(size)
    list(read_audio(BytesIO(file), 1, Findings()))
    with suppress(InvalidAudio):
        list(read_audio(BytesIO(b"ffconcat version 1.0\nfile a\n"), 1, Findings()))


@dataclass(slots=True)
class _Child:
    pid: int
    pidfd: int
    caller: socket.socket
    running: bool = True


class _Server:
    def __init__(self, control: socket.socket, sandbox: Sandbox) -> None:
        self._control = control
        self._sandbox = sandbox
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        self._selector.register(self._control, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                child: _Child | None = key.data
                if child is None:
                    if not self._start():
                        return
                elif key.fd == child.pidfd:
                    self._end(child)
                elif child.running:
                    # Nothing is ever sent this way: the caller has closed it.
                    self._selector.unregister(child.caller)
                    signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)

    def _start(self) -> bool:
        try:
            job, descriptors, _, _ = socket.recv_fds(self._control, _JOB, 3)
        except ConnectionResetError:
            return False
        if not job:
            return False
        file, answer, caller = descriptors
        pid = os.fork()
        if not pid:
            _decode(json.loads(job), file, answer, self._sandbox)
        os.close(file)
        os.close(answer)
        child = _Child(pid, os.pidfd_open(pid), socket.socket(fileno=caller))
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        self._selector.register(child.caller, selectors.EVENT_READ, child)
        return True

    def _end(self, child: _Child) -> None:
        child.running = False
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        with suppress(KeyError):
            self._selector.unregister(child.caller)
        _, status = os.waitpid(child.pid, 0)
        with child.caller, suppress(OSError):
            child.caller.send(json.dumps({"status": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}).encode())


def _decode(job: dict[str, Any], file: int, answer: int, sandbox: Sandbox) -> None:
    """Runs in the child. Does not return."""
    status = 1
    try:
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor not in (file, answer):
                with suppress(OSError):
                    os.close(descriptor)  # including those of other callers
        with os.fdopen(file, "rb") as opened, socket.socket(fileno=answer) as channel:
            sandbox.enter(job["cpu_seconds"])
            _answer(opened, job["longest"], channel)
        status = 0
    except BrokenPipeError:
        status = 0  # the caller has closed its socket
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        os._exit(status)


def _answer(file: IO[bytes], longest: float, answer: socket.socket) -> None:
    findings = Findings()
    announced = False
    try:
        for wav in read_audio(file, longest, findings):
            if not announced:
                answer.sendall(_line({"found": asdict(findings)}))
                announced = True
            data = wav.tobytes()
            answer.sendall(_line({}, len(data)) + data)
        answer.sendall(_line({"ended": asdict(findings)}))
    except InvalidAudio as error:
        answer.sendall(_line({"refused": error.message}))
    except MemoryError:
        answer.sendall(_line({"refused": NO_MEMORY}))


def _line(message: dict[str, Any], size: int = 0) -> bytes:
    return json.dumps({**message, "bytes": size}).encode() + b"\n"


if __name__ == "__main__":
    main()
