"""States of unfinished work on disk: whole or absent, and never taken up by a run they do not belong to.

A checkpoint carries a format version, a fingerprint of the config and the data it was computed from, and behind it the
SHA-256 of its content, so that a flipped bit is refused; it stays a file that `torch.load` reads. The one before is
kept beside it. Loading executes no code from the file (`weights_only=True`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.state_files import damaged, opened, present, refusing, require_writable
from minecli.runtime.writing import atomic_path, partial_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FORMAT = 2
# Its checkpoints have no checksum.
_FIRST_FORMAT = 1
SECONDS_BETWEEN_CHECKPOINTS = 5.0

_SEAL = b"\nsha256 %s\n"
_SEAL_SIZE = len(_SEAL % (b"0" * 64))
_READ_AT_ONCE = 1 << 20
_HINT = "remove it and start again"


def checkpoint_path(folder: Path, *names: object) -> Path:
    """Where a run's folder keeps the state of what the names say: an estimator or a method, and what else tells one
    training from another.

    >>> checkpoint_path(Path("run"), "mine", 1, 20).name
    'checkpoint-mine-1-20.pt'
    """
    return folder / f"checkpoint-{'-'.join(map(str, names))}.pt"


def repeat_path(path: Path, repeat: int) -> Path:
    """Where the state of a further repeat is kept.

    >>> repeat_path(checkpoint_path(Path("run"), "mine"), 2).name
    'checkpoint-mine-2.pt'
    """
    return path.with_name(f"{path.stem}-{repeat}{path.suffix}")


PREVIOUS = "checkpoint-*.previous.pt"


def previous_path(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is kept.

    >>> previous_path(checkpoint_path(Path("run"), "mine")).name
    'checkpoint-mine.previous.pt'
    """
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def fingerprint(config: Mapping[str, object], *arrays: npt.NDArray[np.generic]) -> str:
    """A hash of everything that decides a result: the config (plain JSON values) and the arrays' bytes and
    shapes.

    >>> fingerprint({"seed": 0}) == fingerprint({"seed": 1})
    False
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode("utf-8"))
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode("ascii"))
        # A view as raw bytes: a contiguous array of gigabytes is hashed without being copied.
        contiguous = array if array.flags.c_contiguous else array.copy(order="C")
        digest.update(contiguous.reshape(-1).view("u1").data)
    return digest.hexdigest()


class _Hashing:
    """A file to write to that hashes what it is given, so that nothing is read again or held twice."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sha256 = file, hashlib.sha256()
        self.failure: OSError | None = None

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        try:
            return self._file.write(content)
        except OSError as failure:
            self.failure = failure  # torch makes another error of it
            raise

    def flush(self) -> None:
        self._file.flush()


def save_checkpoint(path: Path, state: Mapping[str, Any], *, fingerprint: str) -> None:
    """Write `state` (tensors, numbers, strings, lists and dicts of them) atomically; OutputError where that
    fails.
    """
    import torch

    require_writable(path)
    with atomic_path(path) as partial, open(partial, "wb") as file:
        hashing = _Hashing(file)
        try:
            torch.save({"format": FORMAT, "fingerprint": fingerprint, "state": dict(state)}, hashing)  # type: ignore[arg-type]
        except RuntimeError:
            if hashing.failure is not None:
                raise hashing.failure from None
            raise
        file.write(_SEAL % hashing.sha256.hexdigest().encode("ascii"))


class PeriodicCheckpoint:
    """A checkpoint that is written every few seconds, and at once where it matters; the one before is kept.

    Args:
        path: where.
        mark: the fingerprint it bears.
        warn: told why, where it cannot be written: that costs the checkpoint, not the work it was to protect.
    """

    def __init__(self, path: Path, mark: str, warn: Callable[[str], None]) -> None:
        self._path, self._mark, self._warn = path, mark, warn
        self._saved_at = time.monotonic()

    def save(self, state: Mapping[str, Any], *, at_once: bool) -> None:
        """Write the state if it is time, or `at_once`."""
        if not at_once and time.monotonic() - self._saved_at <= SECONDS_BETWEEN_CHECKPOINTS:
            return
        try:
            _keep_previous(self._path)
            save_checkpoint(self._path, state, fingerprint=self._mark)
        except OutputError as failure:
            self._warn(f"no checkpoint: {failure.problem}")
        self._saved_at = time.monotonic()


def _keep_previous(path: Path) -> None:
    """Give the checkpoint at `path` its second name; at no moment is there none."""
    if not os.path.isfile(path):
        return
    second = partial_path(path)
    with contextlib.suppress(OSError):
        try:
            os.link(path, second)
        except OSError:
            second = path  # a file system without links: for a moment there is the previous one alone
        os.replace(second, previous_path(path))
        if second != path:
            # Two names of one file are left as they are: so it is where the last checkpoint could not be written.
            second.unlink(missing_ok=True)


def remove_checkpoint(path: Path) -> None:
    """Remove the checkpoint of work that is done with, and the one before."""
    for each in (path, previous_path(path)):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def resume_from(
    path: Path, *, fingerprint: str, load: Callable[[dict[str, Any]], None], say: Callable[[str], None]
) -> None:
    """Hand the state saved at `path` to `load`, or the one before where that is damaged; nothing where there is none.

    Args:
        say: told in one line where the one before is taken.

    Raises:
        DataError: none of the two can be used.
        UsageError: they belong to another config, other data or another format.
    """
    newest: DataError | None = None
    for candidate in filter(present, (path, previous_path(path))):
        try:
            state = load_checkpoint(candidate, fingerprint=fingerprint)
            with refusing(candidate, _HINT):
                load(state)
        except DataError as problem:
            newest = newest or problem
            continue
        if newest is not None:
            say(f"{newest.problem}; going on from the one before")
        return
    if newest is not None:
        raise newest


def load_checkpoint(path: Path, *, fingerprint: str) -> dict[str, Any]:
    """Read the state saved at `path`, on the CPU.

    DataError where the file cannot be read; UsageError where it belongs to another config, other data or
    another format.
    """
    content = _read(path)
    if _format_of(content) not in (_FIRST_FORMAT, FORMAT):
        raise UsageError(f"checkpoint '{path}' was written by another version of minecli", hint=_HINT)
    mark = content.get("fingerprint")
    if not isinstance(mark, str) or mark != fingerprint:
        raise UsageError(
            f"checkpoint '{path}' belongs to other data or other settings than this run",
            hint="resume with the same data and settings, or choose another --run-dir",
        )
    state = content.get("state")
    if not isinstance(state, dict):
        raise damaged(path, "it holds no state", _HINT)
    return state


def _read(path: Path) -> Any:
    """What torch finds in the file; DataError, in other words than torch's, where it finds nothing or the checksum is
    not that of the content."""
    import torch

    with opened(path, _HINT) as file:
        sealed = _is_sealed(path, file)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a file that is none, torch says more than one line
                content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as problem:
            raise damaged(path, "it is cut short, damaged or no checkpoint", _HINT) from problem
    if _format_of(content) == FORMAT and not sealed:
        raise damaged(path, "its checksum is missing", _HINT)
    return content


def _format_of(content: Any) -> int | None:
    found = content.get("format") if isinstance(content, dict) else None
    return found if isinstance(found, int) else None


def _is_sealed(path: Path, file: BinaryIO) -> bool:
    """Whether the file ends with a checksum, that of its content; DataError where it is another one."""
    left = max(0, file.seek(0, os.SEEK_END) - _SEAL_SIZE)
    file.seek(left)
    seal = re.fullmatch(rb"\nsha256 ([0-9a-f]{64})\n", file.read())
    file.seek(0)
    if seal is None:
        return False
    digest = hashlib.sha256()
    while left:
        part = file.read(min(left, _READ_AT_ONCE))
        if not part:
            break
        digest.update(part)
        left -= len(part)
    file.seek(0)
    if digest.hexdigest().encode("ascii") != seal[1]:
        raise damaged(path, "it has been damaged or edited since it was written", _HINT)
    return True
