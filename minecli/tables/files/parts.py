"""One stretch of bytes that holds a table, and several that make one."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from minecli.errors import DataError
from minecli.tables.files.compression import PIECE, JoinedStream, XzStream, compression_of
from minecli.tables.files.faults import explained


class Part:
    """One stretch of bytes that holds a table: a file, or a pipe that can be read only once.

    `label` is how messages call it, `name` the file name whose suffix may tell the format ("" for a pipe), and
    `path` where it is on this machine, None where it is not there or no regular file.
    """

    def __init__(
        self,
        label: str,
        name: str,
        open_bytes: Callable[[], Any],
        *,
        once: bool = False,
        path: str | None = None,
    ) -> None:
        self.label = label
        self.name = name
        self.once = once
        self.path = path
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
            if self._whole is not None:
                return bytes(self._whole[:size])
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
            return pa.PythonFile(JoinedStream(self._seen, self._rest), mode="r")

    def random(self) -> Any:
        """The decompressed bytes as a pyarrow file that can be read at any place; a pipe goes to memory."""
        with explained(self.label):
            if not self.once:
                raw = self._open_bytes()
                if compression_of(raw.read_at(6, 0) if raw.size() else b"") is None:
                    raw.seek(0)
                    return raw
            if self._whole is None:
                sink = pa.BufferOutputStream()
                with self.stream() as stream:
                    while piece := stream.read(PIECE):
                        sink.write(piece)
                self._whole = sink.getvalue()
            return pa.BufferReader(self._whole)

    @property
    def compressed(self) -> bool:
        """Whether the bytes are compressed as a whole; not to be asked of a pipe."""
        with explained(self.label), self._open_bytes() as raw:
            return compression_of(bytes(raw.read(6))) is not None

    @contextlib.contextmanager
    def local(self) -> Iterator[str]:
        """The path of a file on this machine with the decompressed bytes: its own, or that of a copy for the time
        being."""
        if self.path is not None and not self.compressed:
            yield self.path
            return
        with tempfile.NamedTemporaryFile(suffix=Path(self.name).suffix) as copy:
            # A pipe can be read once, and goes to memory first.
            with explained(self.label), self.random() if self.once else self.stream() as stream:
                shutil.copyfileobj(stream, copy, PIECE)
            copy.flush()
            yield copy.name

    def _decompressed(self) -> Any:
        raw = self._open_bytes()
        beginning = bytes(raw.read(6))
        if self.once:
            raw = pa.PythonFile(JoinedStream(beginning, raw), mode="r")
        else:
            raw.seek(0)
        method = compression_of(beginning)
        if method is None:
            return raw
        if method == "xz":
            return pa.PythonFile(XzStream(raw), mode="r")
        return pa.CompressedInputStream(raw, method)


@dataclass(frozen=True)
class Source:
    """The parts of one table, in order. `label` is what the person wrote; `base` the folder below which the names of
    folders may tell columns, as in year=2024; `notes` are for the person."""

    label: str
    parts: tuple[Part, ...]
    base: str | None = None
    notes: tuple[str, ...] = ()


def standard_input(stdin: BinaryIO) -> Part:
    """The bytes of a stream, which is read once and stays open. Raises DataError where it is closed."""
    # The stream is the caller's: it is read but never closed here.
    if stdin.closed:
        raise DataError("standard input is closed", hint="pipe a table into the command, or name a file")
    return Part("standard input", "", lambda: pa.PythonFile(JoinedStream(b"", stdin, owned=False), mode="r"), once=True)


def file_part(label: str, path: Path) -> Part:
    """The bytes of a file; what is no regular file, such as a named pipe, can be read once. Raises OSError where there
    is none."""
    if stat.S_ISREG(path.stat().st_mode):
        # As bytes, which a name need not be text to be.
        opened = os.fsencode(path)
        return Part(label, path.name, lambda: pa.OSFile(opened, "rb"), path=str(path))
    return Part(label, "", lambda: pa.PythonFile(path.open("rb"), mode="r"), once=True)
