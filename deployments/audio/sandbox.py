"""Restricts a process that decodes uploads: it may compute, read its file, and answer."""

import errno
import os
import resource
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyseccomp import SyscallFilter

MEMORY: Final = 512 * 2**20
"""Bytes that a decoding process may allocate beyond its size at the start."""
_NOBODY: Final = 65_534
_CALLS: Final = """
brk clock_gettime clock_nanosleep close exit exit_group fstat futex getpid getrandom getrusage gettid gettimeofday lseek
madvise mmap mprotect mremap munmap nanosleep newfstatat pread64 read readv restart_syscall rseq rt_sigaction
rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield sendto sigaltstack write writev
"""
"""Permitted system calls. None opens a file or a socket, starts a process, or affects another one."""


class Sandbox:
    """Prepared once, entered by each decoding process.

    Besides resource limits, which any Linux has, it restricts system calls by seccomp, through the system's libseccomp.
    If that is missing, `problem` says so, and only the limits remain. They, too, forbid opening files and sockets, as a
    process may not have more of them than it has already.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        """Why system calls cannot be restricted on this machine."""
        self._calls: SyscallFilter | None = None
        try:
            import pyseccomp

            self._calls = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
            for call in _CALLS.split():
                self._calls.add_rule(pyseccomp.ALLOW, call)
        except (ImportError, OSError, RuntimeError) as error:
            self.problem = f"{type(error).__name__}: {error}"

    def enter(self, cpu_seconds: int) -> None:
        """Gives up permanently everything that decoding does not need.

        The kernel then refuses more memory, files, sockets and processes, and ends the process by SIGXCPU when it
        exceeds its CPU time.

        Raises:
            OSError: the kernel refuses.
        """
        with open("/proc/self/statm", "rb") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        for limit, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NPROC, 0),
            (resource.RLIMIT_NOFILE, 0),  # open files stay open
            (resource.RLIMIT_AS, size + MEMORY),
        ):
            resource.setrlimit(limit, (value, value))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # SIGXCPU, then SIGKILL
        if self._calls:
            self._calls.load()
