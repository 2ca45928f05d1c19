"""Tables behind a URL, by way of pyarrow's file systems. No read waits for ever: each has a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs

from minecli.errors import DataError
from minecli.tables.files.faults import READ_ERRORS, first_line
from minecli.tables.files.folders import PARQUET_SUFFIXES
from minecli.tables.files.parts import Part, Source

# A store that is there answers within a second or two.
TIME_LIMIT = 30.0
_RETRIES_END = 20.0

Answer = TypeVar("Answer")


def remote(source: str) -> Source:
    """The parts behind a URL: a file, or the Parquet files of a folder.

    Raises DataError where there is nothing, or no answer within TIME_LIMIT seconds.
    """
    try:
        system, path = within(TIME_LIMIT, source, lambda: _system(source))
    except READ_ERRORS as error:
        raise DataError(
            f"cannot open {source}: {first_line(error)}",
            hint=f"the schemes are file, s3, gs, hdfs; for others: curl -L {source} | minecli ... -",
        ) from error
    try:
        infos = within(TIME_LIMIT, source, lambda: _files(system, path))
    except READ_ERRORS as error:
        raise DataError(
            f"cannot reach {source}: {first_line(error)}", hint="is there a network? check the URL and the keys"
        ) from error
    if infos is None:
        raise DataError(f"there is nothing at {source}", hint="check the URL")
    if not infos:
        raise DataError(f"{source} holds no Parquet parts (.parquet, .pq)", hint="give a folder of parts")
    return Source(source, tuple(_part(source, system, info) for info in infos))


def within(seconds: float, source: str, work: Callable[[], Answer]) -> Answer:
    """What `work` gives, or DataError where it takes longer than so many seconds.

    >>> within(5.0, "s3://bucket/a.parquet", lambda: 3)
    3
    """
    answer: list[Answer] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:
            failure.append(error)

    # The library cannot be interrupted; the thread ends with the program.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not answer:
        host = urlsplit(source).netloc or source
        raise DataError(
            f"no answer from {host} within {seconds:.0f} seconds", hint="is there a network? check the URL and the keys"
        )
    return answer[0]


def _system(source: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it."""
    if source.startswith(("gs://", "gcs://")) and "retry_limit_seconds" not in source:
        # By default it tries for a quarter of an hour.
        source += f"{'&' if '?' in source else '?'}retry_limit_seconds={_RETRIES_END:.0f}"
    system: tuple[Any, str] = pyarrow.fs.FileSystem.from_uri(source)
    return system


def _files(system: Any, path: str) -> list[Any] | None:
    """The files at a path in sorted order; None where there is nothing."""
    info = system.get_file_info(path)
    if info.type == pyarrow.fs.FileType.NotFound:
        return None
    if info.type != pyarrow.fs.FileType.Directory:
        return [info]
    inside = system.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
    parts = [each for each in inside if each.is_file and each.path.lower().endswith(PARQUET_SUFFIXES)]
    return sorted(parts, key=lambda each: str(each.path))


def _part(source: str, system: Any, info: Any) -> Part:
    label = source if source.endswith(info.path) else f"{info.path} of {source}"
    local = info.path if isinstance(system, pyarrow.fs.LocalFileSystem) else None
    name = PurePosixPath(info.path).name

    def opened() -> Any:
        return within(TIME_LIMIT, source, lambda: system.open_input_file(info.path))

    return Part(label, name, opened if local is None else lambda: pa.OSFile(local, "rb"), path=local)
