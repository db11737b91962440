"""What a process can do once it has entered the sandbox."""

import json
import subprocess
import sys

import pytest

from deployments.audio.sandbox import Sandbox

TRIES = """
import errno, json, os, socket, sys, threading
from deployments.audio.sandbox import MEMORY, Sandbox

sandbox = Sandbox()
sandbox._calls = sandbox._calls if {seccomp} else None
kept = open("/etc/hostname", "rb")
sandbox.enter(2)

def attempt(work):
    try:
        work()
    except MemoryError:
        return "memory"
    except OSError as error:
        return errno.errorcode[error.errno]
    except RuntimeError:
        return "thread"
    return "done"

print(json.dumps({{
    "reads what it has": attempt(lambda: kept.read()),
    "computes": attempt(lambda: sum(range(1000))),
    "opens a file": attempt(lambda: os.open("/etc/passwd", os.O_RDONLY)),
    "opens a socket": attempt(lambda: os.close(socket.socketpair()[0].detach())),
    "starts a process": attempt(os.fork),
    "signals another process": attempt(lambda: os.kill(os.getppid(), 0)),
    "starts a thread": attempt(threading.Thread(target=print).start),
    "takes memory": attempt(lambda: bytearray(MEMORY + 1)),
    "user": os.getuid() if not {seccomp} else None,
}}))
"""
DENIED = {
    "reads what it has": "done",
    "computes": "done",
    "opens a file": "EPERM",
    "opens a socket": "EPERM",
    "starts a process": "EPERM",
    "signals another process": "EPERM",
    "starts a thread": "thread",
    "takes memory": "memory",
    "user": None,
}


def tried(seccomp: bool) -> dict[str, object]:
    out = subprocess.run(
        [sys.executable, "-c", TRIES.format(seccomp=seccomp)], capture_output=True, text=True, timeout=60, check=False
    )
    assert out.returncode == 0, out.stderr
    found: dict[str, object] = json.loads(out.stdout)
    return found


@pytest.mark.skipif(Sandbox().problem is not None, reason=f"no seccomp here: {Sandbox().problem}")
def test_nothing_is_left_but_to_read_what_was_given_and_to_answer() -> None:
    assert tried(seccomp=True) == DENIED


def test_without_seccomp_limits_keep_files_sockets_and_memory_away() -> None:
    found = tried(seccomp=False)
    assert found["reads what it has"] == "done"
    assert found["opens a file"] == found["opens a socket"] == "EMFILE"
    assert found["takes memory"] == "memory"
    assert found["user"] != 0


def test_a_process_that_computes_too_long_is_ended() -> None:
    code = "from deployments.audio.sandbox import Sandbox\nSandbox().enter(1)\nwhile True: pass"
    out = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert out.returncode == -24  # SIGXCPU
