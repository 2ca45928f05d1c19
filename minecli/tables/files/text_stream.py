"""The bytes of a text table on their way to the reader: as UTF-8, without what is no part of the table.

Dropped at the beginning: a byte-order mark, the lines to be skipped, blank lines and comments. Comments further below
become empty lines, which the reader passes over, so that the numbers of lines stay those of the file.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import Any

import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.tables.files.compression import Wrapped
from minecli.tables.files.quotes import QuoteWatch

_BLANKS_OR_QUOTED = re.compile(rb'"[^"\r\n]*"|[ \t]+')
_BLANKS = re.compile(rb"[ \t]+")
_EDGES = re.compile(rb"^[ \t]+|[ \t]+$|[ \t]+(?=\r)", re.MULTILINE)
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r(?!\Z))")
_PIECE = 1 << 20
# Seconds, and how many times.
_PAUSE, _PATIENCE = 0.001, 5000

Lending = Callable[[], Any]


@dataclass(frozen=True)
class Cleaning:
    """What is no part of a table: `skip_rows` lines at the beginning, lines that begin with `comment` outside of values
    in `quote`, and, where columns are separated by `whitespace`, blanks at the ends of lines and all but one between
    fields. Without `names` in its first line, a table may begin with a row of missing values."""

    encoding: str | None = None
    skip_rows: int = 0
    comment: str | None = None
    whitespace: bool = False
    quote: str | None = None
    names: bool = True


class TextStream(Wrapped):
    """Pieces of text as a binary stream that can be read once; closing it closes `raw`, where they come from.

    >>> TextStream(iter([b"ab", b"c"])).read(8), TextStream(iter([b"ab", b"c"])).read(1)
    (b'abc', b'a')
    """

    def __init__(self, pieces: Iterator[bytes], raw: Any = None) -> None:
        super().__init__(raw)
        self._pieces = pieces
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, fewer only at the end: a row that is cut must not be cut twice."""
        parts, length = [self._held], len(self._held)
        while (size < 0 or length < size) and (piece := next(self._pieces, b"")):
            parts.append(piece)
            length += len(piece)
        whole = b"".join(parts)
        whole, self._held = (whole, b"") if size < 0 else (whole[:size], whole[size:])
        return whole

    def readinto(self, buffer: Any) -> int:
        """As many bytes as the buffer holds, or are left."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Lent:
    """A stream as seen by a library that reads it in threads of its own."""

    closed = False

    def __init__(self, stream: RawIOBase) -> None:
        # No method of its own: an error raised in there would hold its frame, and with it this object.
        self.read = stream.read

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing: the stream belongs to who lends it."""


@contextlib.contextmanager
def lent(stream: RawIOBase) -> Iterator[Lending]:
    """Lend a Python stream to pyarrow: what is given makes a file for it, once. At the end its threads are waited for:
    one that still holds the stream when the interpreter ends would bring the program down."""
    holding: list[weakref.ref[_Lent]] = []

    def lending() -> Any:
        shown = _Lent(stream)
        holding.append(weakref.ref(shown))
        return pa.PythonFile(shown, mode="r")

    try:
        yield lending
    finally:
        for _ in range(_PATIENCE):
            if all(reference() is None for reference in holding):
                break
            time.sleep(_PAUSE)


class CleanText:
    """The pieces of a text without what `cleaning` names; `dropped` is how many lines there were before the first one
    of the table, known as soon as there is a piece. `cut` says that the text goes on where the pieces end: its last
    line is then left out.

    >>> text = CleanText([b"\\xef\\xbb\\xbf# note\\n  \\nx,z\\n1,2\\n# 3\\n4,5"], Cleaning(comment="#"))
    >>> b"".join(text.pieces()), text.dropped
    (b'x,z\\n1,2\\n\\n4,5\\n', 2)
    """

    def __init__(self, raw: Iterable[bytes], cleaning: Cleaning, *, cut: bool = False) -> None:
        self._raw, self._cleaning, self._cut = raw, cleaning, cut
        self.dropped = 0

    def pieces(self) -> Iterator[bytes]:
        """The pieces, none of them empty; the last one ends with a line end."""
        cleaning, last = self._cleaning, b"\n"
        lines = self._cut or cleaning.comment is not None or cleaning.whitespace
        pieces = self._table(_decoded(self._raw, cleaning.encoding, cut=self._cut))
        comments = None if cleaning.comment is None else _Comments(cleaning.comment, cleaning.quote)
        for piece in _whole_lines(pieces, self._cut) if lines else pieces:
            text = piece if comments is None else comments.emptied(piece)
            text = _joined_blanks(text) if cleaning.whitespace else text
            if text:
                yield text
                last = text[-1:]
        if last not in b"\r\n":
            yield b"\n"

    def _table(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces from the first line of the table on."""
        begun, text = False, b""
        for piece in pieces:
            if begun:
                yield piece
                continue
            text = self._without_beginning(text + piece)
            if begun := bool(text.strip(b" \r\n")) and (b"\n" in text or b"\r" in text[:-1]):
                yield text
        if not begun and text.strip():
            yield text

    def _without_beginning(self, text: bytes) -> bytes:
        """A text without the lines that come before the table, as far as they are whole."""
        cleaning, comment = self._cleaning, (self._cleaning.comment or "").encode()
        blank = b" \t" if cleaning.names else b" "
        text, place = text.removeprefix(codecs.BOM_UTF8), 0
        while (line := _LINE.match(text, place)) and (
            self.dropped < cleaning.skip_rows
            or not line[1].strip(blank)
            or (comment and line[1].lstrip().startswith(comment))
        ):
            self.dropped += 1
            place = line.end()
        return text[place:]


def pieces_of(raw: Any) -> Iterator[bytes]:
    """What a stream holds, piece by piece."""
    while piece := bytes(raw.read(_PIECE)):
        yield piece


def watched(pieces: Iterable[bytes], text: CleanText, watch: QuoteWatch) -> Iterator[bytes]:
    """The pieces of a text, each shown to the watch before it is given."""
    for number, piece in enumerate(pieces):
        if number == 0:
            watch.lines += text.dropped
            watch.first += text.dropped
        watch.feed(piece)
        yield piece
    watch.finish()


def known_encoding(encoding: str) -> str:
    """The name of an encoding. Raises UsageError for what is none.

    >>> known_encoding("latin1")
    'iso8859-1'
    """
    try:
        name = codecs.lookup(encoding).name
        "a".encode(name).decode(name)
    except (LookupError, ValueError, TypeError):
        raise UsageError(
            f"--encoding '{encoding}' is not known", hint="as in --encoding latin-1, cp1252, utf-16 or shift_jis"
        ) from None
    return name


def _decoded(pieces: Iterable[bytes], encoding: str | None, cut: bool) -> Iterator[bytes]:
    """Pieces of text of any encoding as UTF-8."""
    if encoding is None or (name := known_encoding(encoding)) in ("utf-8", "ascii"):
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode("utf-8")
        if not cut:
            yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise DataError(
            f"the text is not {encoding}: {error}", hint="name the encoding it has, as in --encoding latin-1"
        ) from None


def _whole_lines(pieces: Iterable[bytes], cut: bool) -> Iterator[bytes]:
    """The same bytes in pieces that end where lines end."""
    rest = b""
    for piece in pieces:
        text = rest + piece
        # A carriage return at the end may belong to a line feed that is yet to come.
        end = max(text.rfind(b"\n"), text.rfind(b"\r", 0, len(text) - 1)) + 1
        rest = text[end:]
        yield text[:end]
    if not cut:
        yield rest


class _Comments:
    """Whole lines whose comments become empty lines; a line inside a quoted value is none."""

    def __init__(self, mark: str, quote: str | None) -> None:
        self._mark, self._quote = mark.encode(), (quote or "").encode()
        self._pattern = re.compile(rb"(?:(?<=[\r\n])|\A)[ \t]*" + re.escape(self._mark) + rb"[^\r\n]*")
        self._inside = False

    def emptied(self, text: bytes) -> bytes:
        """The next lines without the comments among them."""
        if not self._quote or (self._quote not in text and not self._inside):
            return self._pattern.sub(b"", text)
        return b"".join(map(self._line, text.splitlines(keepends=True)))

    def _line(self, line: bytes) -> bytes:
        if not self._inside and line.lstrip(b" \t").startswith(self._mark):
            return line[len(line.rstrip(b"\r\n")) :]
        # Quotes come in pairs, but for those that open a value that goes on.
        self._inside ^= line.count(self._quote) % 2 == 1
        return line


def _joined_blanks(text: bytes) -> bytes:
    """Whole lines with one blank between fields, tabs included; those in quotes stay."""
    text = _EDGES.sub(b"", text)
    if b'"' not in text:
        return _BLANKS.sub(b" ", text)
    return _BLANKS_OR_QUOTED.sub(lambda match: b" " if match[0][:1] in b" \t" else match[0], text)
