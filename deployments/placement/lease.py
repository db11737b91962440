"""Leases of physical GPUs, visible to the whole node, which end with their process, however that ends."""

import contextlib
import fcntl
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from deployments.errors import Unavailable
from deployments.placement.choice import Claim, Need

FOLDER: Final = "llasa-serve-gpu-{uid}"
"""In the system's temporary folder. Each user has one: NVML shows the processes of others once they use memory."""
_WAIT_S: Final = 30.0
"""A choice takes milliseconds. A longer wait means that another process hangs in the driver."""
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW

# A lock of flock lasts until the last copy of its descriptor is closed. Programs started by exec never get one
# (O_CLOEXEC), but a child of a plain fork (multiprocessing's) would keep its parent's locks after the parent's death.
# Python's forks close them here; closing a copy does not unlock. A fork in C without exec is not covered.
_open: Final[set[int]] = set()


def _close_all() -> None:
    for descriptor in _open:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _open.clear()


os.register_at_fork(after_in_child=_close_all)


def _open_at(folder: int | None, name: str | Path, flags: int) -> int:
    descriptor = os.open(name, flags | _FLAGS, 0o600, dir_fd=folder)
    _open.add(descriptor)
    return descriptor


def _close(descriptor: int) -> None:
    if descriptor in _open:  # else this is a forked child, where it is closed and its number may be another file's
        _open.remove(descriptor)
        os.close(descriptor)


class Lease:
    """Held by this process until `release` or its end. Created by `Leases.take`."""

    def __init__(self, leases: "Leases", claim: Claim, name: str, file: int, folder: int) -> None:
        self.claim = claim
        self._leases = leases
        self._name = name
        self._file = file
        self._folder = folder

    def use(self, used: int, *, asleep: bool = False) -> None:
        """Publishes how many bytes this process uses on the GPU, so that they are not counted twice."""
        with self._leases._alone():
            self._publish(replace(self.claim, used=used, asleep=asleep))

    def wake(self, may: Callable[[list[Claim]], bool]) -> bool:
        """Claims the GPU again, for a model that is asleep, if `may` allows it given all other claims."""
        with self._leases._alone() as folder:
            others = [claim for claim in self._leases._living(folder) if claim != self.claim]
            if allowed := may(others):
                self._publish(replace(self.claim, asleep=False))
            return allowed

    def _publish(self, claim: Claim) -> None:
        self.claim = claim
        _write(self._file, claim)

    def release(self) -> None:
        """Releases the GPU. Further calls, and calls in a forked child, do nothing."""
        if self._file in _open:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._folder)
            fcntl.flock(self._file, fcntl.LOCK_UN)  # for all copies, if there are any
            _close(self._file)
            _close(self._folder)


class Leases:
    """All leases of this node and user: one file each in a folder, locked by its holder.

    Every call may wait for another process that is choosing a GPU (milliseconds, 30 s at most): do not call it in an
    event loop. Calls raise `Unavailable` if the folder is not safe to use, or that wait times out.

    Args:
        folder: On a local file system; created if missing. Default: `FOLDER` in the system's temporary folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = folder or Path(tempfile.gettempdir()) / FOLDER.format(uid=os.geteuid())

    def take(self, model: str, need: Need, pick: Callable[[list[Claim]], str]) -> Lease:
        """Leases the GPU that `pick` names.

        Args:
            model: The replica's model.
            need: The claim.
            pick: Returns a UUID, given all current claims. No other process chooses meanwhile. Its errors are raised.
        """
        with self._alone() as folder:
            claim = Claim(pick(self._living(folder)), model, os.getpid(), time.time(), need)
            name = f"{claim.pid}-{secrets.token_hex(4)}.lease"
            file = _open_at(folder, name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _write(file, claim)
                # systemd-tmpfiles deletes files in /tmp after ten days, but skips a locked folder.
                kept = _open_at(folder, ".", os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(kept, fcntl.LOCK_SH)
            except OSError:
                os.unlink(name, dir_fd=folder)
                _close(file)
                raise
        return Lease(self, claim, name, file, kept)

    def held(self) -> list[Claim]:
        """Returns the claims of all living holders, the oldest first. Removes files of dead ones."""
        with self._alone() as folder:
            return self._living(folder)

    def refuse(self, model: str, gpu: str) -> None:
        """Records that this model ran out of memory on that GPU, so that its next process begins with another one."""
        with self._safe() as folder:
            refusal = _open_at(folder, _refusal(model, gpu), os.O_WRONLY | os.O_CREAT)
            os.utime(refusal)
            _close(refusal)

    def accept(self, model: str, gpu: str) -> None:
        """Forgets a refusal, if there is one."""
        with self._safe() as folder, contextlib.suppress(FileNotFoundError):
            os.unlink(_refusal(model, gpu), dir_fd=folder)

    def refused(self, model: str, within_s: float) -> frozenset[str]:
        """Returns UUIDs of the GPUs on which this model ran out of memory in the last seconds."""
        found = set()
        with self._safe() as folder:
            for name in os.listdir(folder):
                gpu = unquote(name.partition("@")[0])
                if name == _refusal(model, gpu):
                    with contextlib.suppress(FileNotFoundError):
                        if time.time() - os.stat(name, dir_fd=folder).st_mtime < within_s:
                            found.add(gpu)
        return frozenset(found)

    def _living(self, folder: int) -> list[Claim]:
        claims = []
        for name in os.listdir(folder):
            if not name.endswith(".lease"):
                continue
            try:
                file = _open_at(folder, name, os.O_RDWR)
            except FileNotFoundError:  # released in the meantime
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=folder)
            except BlockingIOError:
                claims.append(_read(file))
            finally:
                _close(file)
        return sorted(claims, key=lambda claim: (claim.since, claim.pid))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[int]:
        """Yields the folder, while no other process can choose."""
        with self._safe() as folder:
            mutex = _open_at(folder, "mutex", os.O_RDWR | os.O_CREAT)
            try:
                self._lock(mutex)
                yield folder
            finally:
                fcntl.flock(mutex, fcntl.LOCK_UN)
                _close(mutex)

    def _lock(self, mutex: int) -> None:
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                return fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Unavailable(
                        f"Another process has been choosing a GPU for {_WAIT_S:.0f} s. If nvidia-smi hangs too, the "
                        f"driver does; else see who holds {self._path / 'mutex'}."
                    ) from None
                time.sleep(0.005)

    @contextlib.contextmanager
    def _safe(self) -> Iterator[int]:
        """Yields the folder after checking that no other user can write to it: /tmp is open to all."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = _open_at(None, self._path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:  # also for a symbolic link
            raise Unavailable(f"The folder of GPU leases {self._path} cannot be used: {error.strerror}.") from error
        try:
            state = os.fstat(folder)
            if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
                raise Unavailable(
                    f"The folder of GPU leases {self._path} belongs to another user, or others may write to it: "
                    "remove it."
                )
            yield folder
        finally:
            _close(folder)


def _refusal(model: str, gpu: str) -> str:
    return f"{quote(gpu, safe='')}@{quote(model, safe='')}.refused"


def _write(file: int, claim: Claim) -> None:
    data = json.dumps(asdict(claim)).encode()
    os.pwrite(file, data, 0)
    os.ftruncate(file, len(data))  # last: a full disk then leaves the old content


def _read(file: int) -> Claim:
    fields = json.loads(os.pread(file, 65_536, 0))
    return Claim(**(fields | {"need": Need(**fields["need"])}))
