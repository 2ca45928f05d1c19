"""The files that a run keeps, by name, and their one reader: whatever stands in a file's place, the answer is its
content or one line that says what is wrong.

What is written once and read as a whole (config, result, columns, data) has its SHA-256 in `checksums.json` beside it,
so that a flipped bit or an edit is refused and the files themselves stay plain JSON. Folders of earlier versions have
no such file and are read as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from minecli.errors import DataError, MinecliError, OutputError
from minecli.runtime.writing import output_error, write_text

CONFIG = "config.json"
DATA = "data.json"
COLUMNS = "columns.json"
EVENTS = "events.ndjson"
RECORDS = "records.ndjson"
ESTIMATE = "estimate.json"
SUMMARY = "summary.json"
CHECKSUMS = "checksums.json"
LOCK = ".lock"

START_AGAIN = "start the run again in another folder"
# Beyond, a number cannot even become a float.
_MOST_DIGITS = 300
# What values of other types, names or shapes lead to.
_CONTENT = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, AssertionError)


def present(path: Path) -> bool:
    """Whether anything stands at `path`, a link that leads nowhere included.

    >>> present(Path("/")), present(Path("/no/such/file"))
    (True, False)
    """
    return os.path.lexists(path)


def damaged(path: Path, reason: str, hint: str = START_AGAIN) -> DataError:
    """The error for a state file that cannot be used."""
    return DataError(f"'{path}' cannot be read: {reason}", hint=hint)


@contextlib.contextmanager
def refusing(path: Path, hint: str = START_AGAIN) -> Iterator[None]:
    """Whatever the content of the file at `path` does to those who use it within the block becomes a DataError; errors
    that are explained already stay what they are.

    >>> with refusing(Path("config.json")):
    ...     {}["seed"]
    Traceback (most recent call last):
    minecli.errors.DataError: 'config.json' cannot be read: it is not what this version of minecli wrote (KeyError: \
'seed') (start the run again in another folder)
    """
    try:
        yield
    except MinecliError:
        raise
    except _CONTENT as problem:
        said = (str(problem).splitlines() or [""])[0][:200]
        reason = f"it is not what this version of minecli wrote ({type(problem).__name__}: {said})"
        raise damaged(path, reason, hint) from problem


@contextlib.contextmanager
def opened(path: Path, hint: str = START_AGAIN) -> Iterator[BinaryIO]:
    """A regular file, open for reading; DataError where it is anything else, or cannot be read within the block."""
    try:
        # Without waiting: nobody may ever write into a pipe that has taken the file's name.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            raise damaged(path, "it is a folder" if stat.S_ISDIR(mode) else "it is no regular file", hint)
        with open(descriptor, "rb") as file:
            yield file
    except OSError as problem:
        raise damaged(path, problem.strerror or str(problem), hint) from problem


def read_bytes(path: Path) -> bytes:
    """All that a regular file holds; DataError where that cannot be read."""
    with opened(path) as file:
        return file.read()


def parsed(content: bytes) -> Any:
    """The value of a JSON text in UTF-8; ValueError says in few words why there is none.

    Numbers that are not finite are refused, and those with so many digits that a float cannot hold them: this package
    writes none.
    """
    try:
        return json.loads(
            content.decode("utf-8"), parse_constant=_not_finite, parse_float=_finite, parse_int=_whole_number
        )
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text[:20])


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; DataError where there is none, or not the one that `write_object` left there."""
    content = read_bytes(path)
    if not content.strip():
        raise damaged(path, "it is empty")
    try:
        value = parsed(content)
    except ValueError as problem:
        raise damaged(path, str(problem)) from None
    if not isinstance(value, dict):
        raise DataError(f"'{path}' does not hold a JSON object", hint=START_AGAIN)
    known = _checksums(path.parent).get(path.name)
    if known and _digest(content) not in known:
        raise DataError(
            f"'{path}' has been damaged or edited since it was written",
            hint=f"bring it back, or remove '{path.parent / CHECKSUMS}' to take it as it is",
        )
    return cast("dict[str, Any]", value)


def write_object(path: Path, text: str) -> None:
    """Write a JSON object's text whole or not at all, its checksum first; OutputError where that fails.

    Until the file is replaced, the checksum of what it holds stays beside the new one: whenever the process is killed,
    one of the two is that of the file.
    """
    require_writable(path)
    folder = path.parent
    try:
        sums = _checksums(folder)
    except DataError:
        sums = {}  # a result is worth more than what says that it is whole
    known = sums.get(path.name)
    held = _digest_at(path)
    kept = [held] if held is not None and (known is None or held in known) else []
    sums[path.name] = [*kept, _digest(text.encode("utf-8"))]
    write_text(folder / CHECKSUMS, json.dumps(sums, indent=1) + "\n")
    write_text(path, text)


def require_writable(path: Path) -> None:
    """OutputError where something stands at `path` that is no regular file, and that writing would wait for or
    destroy."""
    if present(path) and not os.path.isfile(path):
        raise OutputError(f"cannot write '{path}': it is no regular file", hint="remove it")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_at(path: Path) -> str | None:
    try:
        return _digest(read_bytes(path))
    except DataError:
        return None


def _checksums(folder: Path) -> dict[str, list[str]]:
    """The checksums that each file of a folder may have, by name."""
    path = folder / CHECKSUMS
    if not present(path):
        return {}
    hint = "remove it to go on without checksums"
    try:
        sums = parsed(read_bytes(path))
    except (ValueError, DataError) as problem:
        reason = problem.problem.partition("cannot be read: ")[2] if isinstance(problem, DataError) else str(problem)
        raise damaged(path, reason, hint) from None
    if not isinstance(sums, dict) or not all(isinstance(each, list) for each in sums.values()):
        raise damaged(path, "it does not hold checksums", hint)
    return cast("dict[str, list[str]]", sums)


class SealedLines:
    """A file that takes one line after the other, and beside it one that takes the checksum of each, a moment earlier:
    whenever the process is killed, no line is without one. A line that a crash has cut short is removed first.

    Raises:
        OutputError: the files cannot be written.
        DataError: they cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        earlier = [] if present(checksums_of_lines(path)) else read_lines(path)
        self._lines, self._checksums = open_for_lines(path), open_for_lines(checksums_of_lines(path))
        for line in earlier:
            self._add(self._checksums, _digest(line))

    def append(self, line: str) -> None:
        """Add a line and see it out of this process; OutputError where that fails."""
        self._add(self._checksums, _digest(line.encode("utf-8")))
        self._add(self._lines, line)

    def _add(self, file: IO[bytes], line: str) -> None:
        try:
            file.write(line.encode("utf-8") + b"\n")
            file.flush()
        except OSError as problem:
            raise output_error(f"'{self._path}'", problem) from problem

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        self._checksums.close()


def checksums_of_lines(path: Path) -> Path:
    """Where the checksums of a file's lines are kept.

    >>> checksums_of_lines(Path(RECORDS)).name
    'records.ndjson.sha256'
    """
    return path.with_name(f"{path.name}.sha256")


def read_lines(path: Path) -> list[bytes]:
    """The lines of a file, without what follows its last line break: nothing, or a line that a crash cut short; none
    where there is no file.

    DataError where it cannot be read, or a line is not one of those that `SealedLines` has added.
    """
    lines, sums = _lines_in(path), checksums_of_lines(path)
    if present(sums):
        known = set(_lines_in(sums))
        for number, line in enumerate(lines, start=1):
            if _digest(line).encode("ascii") not in known:
                raise DataError(
                    f"line {number} of '{path}' has been damaged or edited since it was written",
                    hint=f"remove the line and resume, or remove '{sums}' to take it as it is",
                )
    return lines


def _lines_in(path: Path) -> list[bytes]:
    return read_bytes(path).split(b"\n")[:-1] if present(path) else []


def open_for_lines(path: Path) -> IO[bytes]:
    """A file to append lines to; one cut short by a crash is removed first. OutputError where that fails,
    DataError where the file cannot be read."""
    try:
        # Without waiting, as above.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        file = open(os.open(path, flags, 0o666), "ab")  # noqa: SIM115
    except OSError as problem:
        raise output_error(f"'{path}'", problem) from problem
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.truncate(read_bytes(path).rfind(b"\n") + 1)
    return file
