"""One process at a time works in a run's folder, and the next is told which one does."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from minecli.errors import UsageError
from minecli.runtime.state_files import LOCK
from minecli.runtime.writing import output_error

# Some network file systems know no locks; a run there is worth more than its protection.
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; the kernel gives it back, however the process ends.

    On NFS `flock` reaches other machines as well, where client and server have the lock service; without it (and on
    Lustre without `-o flock`) nothing is locked.

    Raises:
        UsageError: another process holds it, or the folder cannot be written to.
    """
    path = folder / LOCK
    try:
        descriptor = _acquired(path, folder)
    except OSError as problem:
        error = output_error(f"'{path}'", problem)
        raise UsageError(error.problem, hint=error.hint) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if _is_at(path, descriptor):
                os.unlink(path)  # while it is held: who waits for this very file sees that it has gone
        os.close(descriptor)


def _acquired(path: Path, folder: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"the run in '{folder}' is being worked on by {_holder(descriptor)}",
                    hint="wait for it, or choose another --run-dir",
                ) from None
            except OSError as problem:
                if problem.errno not in _UNSUPPORTED:
                    raise
            # Its holder may have removed the file between our opening and locking it.
            if _is_at(path, descriptor):
                os.truncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    said = re.fullmatch(rb"(\d+) ([\w.-]+)\n", os.read(descriptor, 300))
    return f"process {said[1].decode()} on host {said[2].decode()}" if said else "another process"
