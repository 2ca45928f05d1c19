"""Where the bytes of a table come from: a file, a pipe, a folder or glob of parts, a URL, standard input.

Compression is recognised by the first bytes and never by the name, so that `data.csv` may be gzipped and
standard input may be a `.zst` stream. A file can be opened again; a pipe cannot, so what was looked at is
kept and put back in front.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import lzma
import os
import re
import shlex
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from minecli.errors import DataError, MemoryShort, MinecliError, UsageError
from minecli.tables.selectors.grammar import counted, nearest, quoted

PARQUET_SUFFIXES = (".parquet", ".pq")
# What is beside parts and holds no rows.
_NO_TABLES = (".crc", ".md", ".html", ".py", ".log")
_MAGIC_OF_COMPRESSION = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_MESSAGE_LENGTH = 200
_PIECE = 1 << 22
# Below a folder that stands for a table.
_MOST_FILES = 200_000

# What reading raises where the bytes are not what they should be, libraries' surprises on damaged files among them.
READ_ERRORS = (
    OSError, EOFError, lzma.LZMAError, MemoryError, pa.ArrowException, ValueError, TypeError, LookupError,
    ArithmeticError, RuntimeError, AssertionError,
)  # fmt: skip


class Part:
    """One stretch of bytes that holds a table: a file, or a pipe that can be read only once.

    `label` is how messages call it, `name` the file name whose suffix may tell the format ("" for a pipe), `path` where
    it is on this machine, None where it is not there or no regular file, and `size` its bytes where they are known.
    """

    def __init__(
        self,
        label: str,
        name: str,
        open_bytes: Callable[[], Any],
        *,
        once: bool = False,
        path: str | None = None,
        size: int | None = None,
    ) -> None:
        self.label = label
        self.name = name
        self.once = once
        self.path = path
        self.size = size
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
            return pa.PythonFile(_Joined(self._seen, self._rest), mode="r")

    def random(self) -> Any:
        """The decompressed bytes as a pyarrow file that can be read at any place; a pipe goes to memory."""
        with explained(self.label):
            if not self.once:
                raw = self._open_bytes()
                if _compression(raw.read_at(6, 0) if raw.size() else b"") is None:
                    raw.seek(0)
                    return raw
            if self._whole is None:
                sink = pa.BufferOutputStream()
                with self.stream() as stream:
                    while piece := stream.read(_PIECE):
                        sink.write(piece)
                self._whole = sink.getvalue()
            return pa.BufferReader(self._whole)

    @property
    def compressed(self) -> bool:
        """Whether the bytes are compressed as a whole; not to be asked of a pipe."""
        with explained(self.label), self._open_bytes() as raw:
            return _compression(bytes(raw.read(6))) is not None

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
                shutil.copyfileobj(stream, copy, _PIECE)
            copy.flush()
            yield copy.name

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
            return pa.PythonFile(_Xz(raw), mode="r")
        return pa.CompressedInputStream(raw, method)


@dataclass(frozen=True)
class Source:
    """The parts of one table, in order. `label` is what the person wrote; `base` the folder below which the names of
    folders may tell columns, as in year=2024; `notes` are for the person."""

    label: str
    parts: tuple[Part, ...]
    base: str | None = None
    notes: tuple[str, ...] = ()


def label_of(source: str | Sequence[str]) -> str:
    """How to speak of one source or several.

    >>> label_of("a.csv"), label_of(("a.csv", "b.csv", "c.csv"))
    ('a.csv', 'a.csv and 2 more')
    """
    if isinstance(source, str):
        return source
    return source[0] if len(source) == 1 else f"{source[0]} and {len(source) - 1} more"


def locate(source: str | Sequence[str], stdin: BinaryIO | None = None) -> Source:
    """Find the bytes that `source` names: a path, folder, glob, URL, or `-` for the stream given as `stdin`; or those
    of several, one after the other.

    The parts of a folder (its .parquet and .pq files, subfolders included, hidden ones and those that begin
    with _ left out) and of a glob come in sorted order. Raises DataError where nothing is found, or some part is a
    broken link or may not be read.
    """
    if not isinstance(source, str):
        if len(source) == 1:
            return locate(source[0], stdin)
        if "-" in source:
            raise UsageError("standard input is a table of its own, not a part of one", hint="name - alone")
        found = [locate(each) for each in source]
        return Source(label_of(source), tuple(part for each in found for part in each.parts))
    if source == "-":
        if stdin is None:
            raise ValueError("the source is '-' but no stream was given")
        return Source("-", (_standard_input(stdin),))
    if not source:
        raise UsageError("the path of the table is empty", hint="give a file, a folder, a URL or -")
    if "\0" in source:
        raise UsageError("the path of the table holds a NUL byte", hint="give a file, a folder, a URL or -")
    if _URL.match(source):
        from minecli.tables.files.remote import remote

        return remote(source)
    path = Path(source).expanduser()
    with explained(source):
        if path.is_dir():
            parts, others = _folder(source, path)
            return Source(source, tuple(parts), str(path), _passed_over(source, others))
        if path.exists():
            return Source(source, (_file(source, path),))
        if path.is_symlink():
            raise _broken(source)
        if any(c in source for c in "*?["):
            return Source(source, tuple(_glob(source, str(path))), _fixed_part(str(path)))
    raise _not_found(source, path)


@contextlib.contextmanager
def explained(label: str, what: str = "") -> Iterator[None]:
    """Turn the errors of reading into a DataError of one line that names the file and, if given, the format."""
    try:
        yield
    except MinecliError:
        raise
    except READ_ERRORS as error:
        raise explanation(label, what, error) from error


def explanation(label: str, what: str, error: BaseException) -> MinecliError:
    """What to say of an error of reading, in one line."""
    if isinstance(error, PermissionError):
        place = str(error.filename or label)
        return DataError(f"no permission to read {place}", hint=f"ls -l {shlex.quote(place)} shows whose it is")
    if isinstance(error, FileNotFoundError):
        return _not_found(label, Path(label))
    if isinstance(error, MemoryError):
        return MemoryShort(f"not enough memory to read {label}", hint="name fewer columns")
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


class _Xz(io.RawIOBase):
    """What xz streams hold, one after the other; Python's own reader drops what follows and is none."""

    def __init__(self, raw: Any) -> None:
        self._raw, self._decoder = raw, lzma.LZMADecompressor()
        self._rest, self._ended = b"", False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        found = [b""]
        length = 0
        while not self._ended and (size < 0 or length < size):
            piece = self._more(-1 if size < 0 else size - length)
            found.append(piece)
            length += len(piece)
        return b"".join(found)

    def _more(self, most: int) -> bytes:
        """Some more bytes; none where the decoder needs more, or at the end."""
        if self._decoder.eof:
            # Streams may be padded with zeros.
            rest = self._decoder.unused_data.lstrip(b"\0")
            while not rest and (more := bytes(self._raw.read(_PIECE))):
                rest = more.lstrip(b"\0")
            if not rest:
                self._ended = True
                return b""
            self._decoder, self._rest = lzma.LZMADecompressor(), rest
        if self._decoder.needs_input and not self._rest:
            self._rest = bytes(self._raw.read(_PIECE))
            if not self._rest:
                raise EOFError("the compressed file ends before its end mark")
        given, self._rest = self._rest, b""
        return self._decoder.decompress(given, most)


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
    facts = path.stat()
    if stat.S_ISREG(facts.st_mode):
        # As bytes, which a name need not be text to be.
        opened = os.fsencode(path)
        return Part(label, path.name, lambda: pa.OSFile(opened, "rb"), path=str(path), size=facts.st_size)
    return Part(label, "", lambda: pa.PythonFile(path.open("rb"), mode="r"), once=True)


def _folder(source: str, folder: Path) -> tuple[list[Part], list[Path]]:
    """The parts in a folder, and the other files, which may hold rows, too."""
    files = sorted(_files_below(folder))
    found = [path for path in files if path.suffix.lower() in PARQUET_SUFFIXES]
    if not found:
        inside = sorted(path.name for path in folder.iterdir())
        raise DataError(
            f"the folder {source} holds no Parquet parts (.parquet, .pq), only {quoted(inside) or 'nothing'}",
            hint="give a folder of Parquet parts or one file",
        )
    others = [path for path in files if path.suffix.lower() not in (*PARQUET_SUFFIXES, *_NO_TABLES)]
    return [_part(path) for path in found], others


def _fail(error: OSError) -> None:
    # What has vanished meanwhile is no part any more.
    if not isinstance(error, FileNotFoundError):
        raise error


def _passed_over(source: str, files: Sequence[Path]) -> tuple[str, ...]:
    """What to say of files in a folder of parts that are none."""
    if not files:
        return ()
    are = "is no Parquet part and was" if len(files) == 1 else "are no Parquet parts and were"
    return (f"{counted(len(files), 'file')} in {source} {are} passed over: {quoted([path.name for path in files])}",)


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder and its subfolders, linked ones too, but for hidden ones and those that begin with _. What
    cannot be listed is an error: its rows would be lost."""

    seen: set[tuple[int, int]] = set()
    passed = 0
    for where, folders, files in os.walk(folder, onerror=_fail, followlinks=True):
        try:
            here = os.stat(where)
        except OSError as error:
            _fail(error)
            continue
        if (here.st_dev, here.st_ino) in seen:
            # A link that leads back up.
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        passed += len(folders) + len(files)
        if passed > _MOST_FILES:
            raise DataError(
                f"the folder {folder} holds more than {_MOST_FILES:,} files", hint="name a narrower folder, or a glob"
            )
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        yield from (Path(where, name) for name in files if not name.startswith(("_", ".")))


def _part(path: Path) -> Part:
    if not path.exists():
        raise _broken(str(path))
    return _file(str(path), path)


def _glob(source: str, pattern: str) -> list[Part]:
    _refuse_unreadable(pattern)
    found = sorted(glob.glob(pattern, recursive=True))
    parts = [each for path in found for each in _matched(path, recursive="**" in pattern)]
    if not parts:
        raise DataError(f"no file matches {source}", hint=f"ls {shlex.quote(_fixed_part(pattern))} shows what is there")
    return parts


def _fixed_part(pattern: str) -> str:
    """The folder of a glob above its first wild card.

    >>> _fixed_part("data/2024-*/x.csv"), _fixed_part("*.csv")
    ('data', '.')
    """
    beginning = re.split(r"[*?[]", pattern, maxsplit=1)[0]
    return os.path.dirname(beginning) or "."


def _refuse_unreadable(pattern: str) -> None:
    """Raise PermissionError for a folder that a glob goes through and that may not be listed: its rows would be
    lost."""
    if "**" in pattern:
        for _ in os.walk(_fixed_part(pattern), onerror=_fail):
            pass
    parent = os.path.dirname(pattern)
    while any(c in parent for c in "*?["):
        for folder in glob.glob(parent, recursive=True):
            if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "may not be listed", folder)
        parent = os.path.dirname(parent)


def _matched(path: str, recursive: bool) -> list[Part]:
    """The parts that a path matched by a glob stands for; what is in a folder, a recursive one matches by itself."""
    if not os.path.isdir(path):
        return [_part(Path(path))]
    return [] if recursive else _folder(path, Path(path))[0]


def _broken(path: str) -> DataError:
    where = os.readlink(path)
    return DataError(
        f"{path} is a link to '{where}', which is not there; its rows would be lost", hint=f"ls -l {shlex.quote(path)}"
    )


def _not_found(source: str, path: Path) -> DataError:
    parent = path.parent
    if not parent.is_dir():
        above = shlex.quote(str(parent.parent))
        return DataError(f"there is no file {source}: the folder {parent} does not exist", hint=f"ls {above}")
    try:
        close = nearest(path.name, os.listdir(parent))
    except OSError:
        close = []
    hint = (
        f"did you mean {parent / close[0] if str(parent) != '.' else close[0]}?"
        if close
        else f"ls {shlex.quote(str(parent))}"
    )
    return DataError(f"there is no file {source}", hint=hint)
