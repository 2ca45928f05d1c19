"""Where the bytes of a table come from: a file, a pipe, a folder or glob of parts, a URL, standard input.

Compression is recognised by the first bytes and never by the name, so that `data.csv` may be gzipped and
standard input may be a `.zst` stream. A file can be opened again; a pipe cannot, so what was looked at is
kept and put back in front.
"""

from __future__ import annotations

import contextlib
import glob
import io
import lzma
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.fs

from minecli.errors import DataError, UsageError
from minecli.tables.columns import nearest, quoted

PARQUET_SUFFIXES = (".parquet", ".pq")
_MAGIC_OF_COMPRESSION = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_MESSAGE_LENGTH = 200
_PIECE = 1 << 22

READ_ERRORS = (OSError, EOFError, lzma.LZMAError, MemoryError, pa.ArrowException)


class Part:
    """One stretch of bytes that holds a table: a file, or a pipe that can be read only once.

    `label` is how messages call it, `name` the file name whose suffix may tell the format ("" for a pipe).
    """

    def __init__(self, label: str, name: str, open_bytes: Callable[[], Any], *, once: bool = False) -> None:
        self.label = label
        self.name = name
        self.once = once
        self._open_bytes = open_bytes
        self._seen = b""
        self._rest: Any = None
        self._whole: Any = None

    def head(self, size: int) -> bytes:
        """The first `size` bytes, decompressed; they will be read again."""
        with explained(self.label):
            if not self.once:
                with self._decompressed() as stream:
                    return bytes(stream.read(size))
            if self._rest is None:
                self._rest = self._decompressed()
            while len(self._seen) < size and (more := bytes(self._rest.read(size - len(self._seen)))):
                self._seen += more
            return self._seen[:size]

    def stream(self) -> Any:
        """The decompressed bytes from the beginning, as a pyarrow file to be read in order."""
        with explained(self.label):
            if not self.once:
                return self._decompressed()
            self.head(0)
            return pa.PythonFile(_Joined(self._seen, self._rest), mode="r")

    def random(self) -> Any:
        """The decompressed bytes as a pyarrow file that can be read at any place; a pipe goes to memory."""
        with explained(self.label):
            if not self.once:
                raw = self._open_bytes()
                if _compression(raw.read_at(6, 0) if raw.size() else b"") is None:
                    return raw
            if self._whole is None:
                sink = pa.BufferOutputStream()
                with self.stream() as stream:
                    while piece := stream.read(_PIECE):
                        sink.write(piece)
                self._whole = sink.getvalue()
            return pa.BufferReader(self._whole)

    def _decompressed(self) -> Any:
        raw = self._open_bytes()
        beginning = bytes(raw.read(6))
        if self.once:
            raw = pa.PythonFile(_Joined(beginning, raw), mode="r")
        else:
            raw.seek(0)
        method = _compression(beginning)
        if method is None:
            return raw
        if method == "xz":
            return pa.PythonFile(lzma.open(raw), mode="r")
        return pa.CompressedInputStream(raw, method)


@dataclass(frozen=True)
class Source:
    """The parts of one table, in order. `label` is what the person wrote."""

    label: str
    parts: tuple[Part, ...]


def locate(source: str, stdin: BinaryIO | None = None) -> Source:
    """Find the bytes that `source` names: a path, folder, glob, URL, or `-` for the stream given as `stdin`.

    The parts of a folder (its .parquet and .pq files, subfolders included, hidden ones and those that begin
    with _ left out) and of a glob come in sorted order. Raises DataError where nothing is found or it may not
    be read.
    """
    if source == "-":
        if stdin is None:
            raise ValueError("the source is '-' but no stream was given")
        return Source("-", (_standard_input(stdin),))
    if not source:
        raise UsageError("the path of the table is empty", hint="give a file, a folder, a URL or -")
    if _URL.match(source):
        return _remote(source)
    path = Path(source).expanduser()
    with explained(source):
        if path.is_dir():
            return _folder(source, path)
        if path.exists():
            return Source(source, (_file(source, path),))
        if any(c in source for c in "*?["):
            return _glob(source, str(path))
    raise _not_found(source, path)


@contextlib.contextmanager
def explained(label: str, what: str = "") -> Iterator[None]:
    """Turn the errors of reading into a DataError of one line that names the file and, if given, the format."""
    try:
        yield
    except READ_ERRORS as error:
        raise _explanation(label, what, error) from error


def _explanation(label: str, what: str, error: BaseException) -> DataError:
    if isinstance(error, PermissionError):
        return DataError(f"no permission to read {label}", hint=f"ls -l {shlex.quote(label)} shows whose it is")
    if isinstance(error, FileNotFoundError):
        return _not_found(label, Path(label))
    if isinstance(error, MemoryError):
        return DataError(f"not enough memory to read {label}", hint="name fewer columns")
    called = f"{label} as {what}" if what else label
    return DataError(f"cannot read {called}: {first_line(error)}", hint="is the file whole? copy or write it again")


def first_line(error: BaseException) -> str:
    r"""The first line of an error's text that says something, cut to a readable length.

    >>> first_line(ValueError("\nbad magic\nin function f()"))
    'bad magic'
    """
    lines = (line.strip() for line in str(error).splitlines())
    text = next((line for line in lines if line), type(error).__name__)
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 3] + "..."


class _Joined(io.RawIOBase):
    """Bytes already taken from a stream, followed by the rest of the stream."""

    def __init__(self, seen: bytes, rest: Any, *, owned: bool = True) -> None:
        self._seen = seen
        self._rest = rest
        self._owned = owned

    def close(self) -> None:
        if self._owned and not self.closed:
            self._rest.close()
        super().close()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # Never short before the end: readers of messages take a short answer for a cut stream.
        pieces = [self._seen[:size] if size >= 0 else self._seen]
        self._seen = self._seen[len(pieces[0]) :]
        taken = len(pieces[0])
        while size < 0 or taken < size:
            piece = self._rest.read(_PIECE if size < 0 else size - taken)
            if not piece:
                break
            pieces.append(piece)
            taken += len(piece)
        return b"".join(pieces)


def _compression(beginning: bytes) -> str | None:
    for magic, method in _MAGIC_OF_COMPRESSION.items():
        if beginning.startswith(magic):
            return method
    return None


def _standard_input(stdin: BinaryIO) -> Part:
    # The stream is the caller's: it is read but never closed here.
    if stdin.closed:
        raise DataError("standard input is closed", hint="pipe a table into the command, or name a file")
    return Part("standard input", "", lambda: pa.PythonFile(_Joined(b"", stdin, owned=False), mode="r"), once=True)


def _file(label: str, path: Path) -> Part:
    if stat.S_ISREG(path.stat().st_mode):
        return Part(label, path.name, lambda: pa.OSFile(str(path), "rb"))
    return Part(label, "", lambda: pa.PythonFile(path.open("rb"), mode="r"), once=True)


def _folder(source: str, folder: Path) -> Source:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PARQUET_SUFFIXES
        and not any(piece.startswith(("_", ".")) for piece in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not found:
        inside = sorted(path.name for path in folder.iterdir())
        raise DataError(
            f"the folder {source} holds no Parquet parts (.parquet, .pq), only {quoted(inside) or 'nothing'}",
            hint="give a folder of Parquet parts or one file",
        )
    return Source(source, tuple(_file(str(path), path) for path in found))


def _glob(source: str, pattern: str) -> Source:
    found = sorted(path for path in glob.glob(pattern, recursive=True) if Path(path).is_file())
    if not found:
        raise DataError(f"no file matches {source}", hint=f"ls {source} shows what the shell finds")
    return Source(source, tuple(_file(path, Path(path)) for path in found))


def _remote(source: str) -> Source:
    try:
        system, path = pyarrow.fs.FileSystem.from_uri(source)
    except READ_ERRORS as error:
        raise DataError(
            f"cannot open {source}: {first_line(error)}",
            hint=f"the schemes are file, s3, gs, hdfs; for others: curl -L {source} | minecli ... -",
        ) from error
    with explained(source):
        info = system.get_file_info(path)
        if info.type == pyarrow.fs.FileType.NotFound:
            raise DataError(f"there is nothing at {source}", hint="check the URL")
        paths = [path]
        if info.type == pyarrow.fs.FileType.Directory:
            inside = system.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
            paths = sorted(i.path for i in inside if i.is_file and i.path.lower().endswith(PARQUET_SUFFIXES))
            if not paths:
                raise DataError(f"{source} holds no Parquet parts (.parquet, .pq)", hint="give a folder of parts")
    return Source(source, tuple(_remote_part(source, system, each) for each in paths))


def _remote_part(source: str, system: Any, path: str) -> Part:
    label = source if source.endswith(path) else f"{path} of {source}"
    return Part(label, Path(path).name, lambda: system.open_input_file(path))


def _not_found(source: str, path: Path) -> DataError:
    parent = path.parent
    if not parent.is_dir():
        return DataError(f"there is no file {source}: the folder {parent} does not exist", hint=f"ls {parent.parent}")
    try:
        close = nearest(path.name, os.listdir(parent))
    except OSError:
        close = []
    hint = f"did you mean {parent / close[0] if str(parent) != '.' else close[0]}?" if close else f"ls {parent}"
    return DataError(f"there is no file {source}", hint=hint)
