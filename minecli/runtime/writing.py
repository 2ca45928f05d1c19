"""Files that are either whole or not there: write beside the target, force it to the disk, rename.

The place is checked before long work (`check_writable`, a UsageError); what still goes wrong at the end, such
as a full disk, is an OutputError, so that the caller can put the finished result somewhere else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from minecli.errors import OutputError, UsageError

_ADVICE = {
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "your quota is used up; choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EACCES: "choose a place you may write to",
    errno.EPERM: "choose a place you may write to",
}

_PARTIAL = re.compile(r"\..+\.(\d+)-[0-9a-f]{8}\.partial", re.DOTALL)


def output_error(target: str, problem: OSError) -> OutputError:
    """The error for a result that could not be written to `target`, with advice that fits the cause."""
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    return OutputError(f"cannot write {target}: {reason}", hint=_ADVICE.get(problem.errno or 0, "choose another place"))


def _is_special(path: Path) -> bool:
    """Devices and pipes (/dev/null, /dev/stdout, a FIFO) are written to; renaming over them would destroy
    them.
    """
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _followed(path: Path) -> Path:
    """The file that links lead to. `Path.resolve` has no word for links that lead in a circle but RuntimeError."""
    return Path(os.path.realpath(path))


def check_writable(path: Path) -> None:
    """Raise UsageError if a file cannot be made at `path`. Leaves nothing behind.

    The proof is the attempt: a file is created beside the target and removed, because permission bits do not
    speak for read-only mounts, quotas or the superuser.
    """
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder; a file name is needed", hint=f"try {path}/result.json")
    parent = _followed(path).parent
    if not parent.is_dir():
        raise UsageError(f"cannot write '{path}': the folder '{parent}' does not exist", hint=f"mkdir -p {parent}")
    if _is_special(path):
        if not os.access(path, os.W_OK):
            raise UsageError(f"cannot write '{path}': permission denied", hint="choose another place")
        return
    probe = parent / f".{path.name[:100]}.{secrets.token_hex(4)}.probe"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as problem:
        error = output_error(f"'{path}'", problem)
        raise UsageError(error.problem, hint=error.hint) from None
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"cannot write '{path}': the file is write-protected", hint="choose another name")


def partial_path(target: Path) -> Path:
    """A name beside `target` for what is not whole yet: nobody else's, and one that tells whose it is."""
    return target.parent / f".{target.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.partial"


def is_partial(name: str) -> bool:
    """Whether a file bears such a name.

    >>> is_partial(partial_path(Path("estimate.json")).name), is_partial("estimate.json")
    (True, False)
    """
    return _PARTIAL.fullmatch(name) is not None


def sweep_partials(folder: Path) -> None:
    """Remove what processes left half written in a folder that are no more; for those who alone work in it."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            found = _PARTIAL.fullmatch(name)
            if found and not _is_alive(int(found[1])):
                with contextlib.suppress(OSError):
                    os.unlink(folder / name)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # another user's
    return True


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` if the block ends well, remove it if not.

    OSError inside the block becomes OutputError.
    """
    target = _followed(path)
    if _is_special(path):
        try:
            yield path
        except OSError as problem:
            raise output_error(f"'{path}'", problem) from problem
        return
    partial = partial_path(target)
    try:
        yield partial
        _sync(partial)
        if target.exists():
            os.chmod(partial, stat.S_IMODE(target.stat().st_mode))
        os.replace(partial, target)
    except OSError as problem:
        raise output_error(f"'{path}'", problem) from problem
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Force a file to the disk, so that a rename never publishes a file whose content is still on its way."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole or not at all; OutputError where that fails."""
    with atomic_path(path) as partial, open(partial, "wb") as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 to `path` as a whole or not at all; OutputError where that fails."""
    write_bytes(path, content.encode("utf-8"))
