"""Compressed bytes, recognised by how they begin and never by a name, and streams put together."""

from __future__ import annotations

import io
import lzma
from typing import Any

_MAGIC_OF_COMPRESSION = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
PIECE = 1 << 22


def compression_of(beginning: bytes) -> str | None:
    """How bytes that begin so are compressed, in pyarrow's word or as "xz"; None where they are not.

    >>> compression_of(b"BZh91AY"), compression_of(b"a,b")
    ('bz2', None)
    """
    for magic, method in _MAGIC_OF_COMPRESSION.items():
        if beginning.startswith(magic):
            return method
    return None


class Wrapped(io.RawIOBase):
    """A stream of bytes made of another one, `raw`, which is closed with it if it is `owned`; None where there is none.
    Those derived from it define `read`."""

    def __init__(self, raw: Any, *, owned: bool = True) -> None:
        self._raw, self._owned = raw, owned

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close it, and what it is made of."""
        if self._owned and self._raw is not None and not self.closed:
            self._raw.close()
        super().close()


class XzStream(Wrapped):
    """What xz streams hold, one after the other; Python's own reader drops what follows and is none."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self._decoder = lzma.LZMADecompressor()
        self._rest, self._ended = b"", False

    def read(self, size: int = -1) -> bytes:
        """As many decompressed bytes as asked for, fewer only at the end; EOFError where the stream is cut."""
        pieces = [b""]
        length = 0
        while not self._ended and (size < 0 or length < size):
            piece = self._more(-1 if size < 0 else size - length)
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces)

    def _more(self, most: int) -> bytes:
        """Some more bytes; none where the decoder needs more, or at the end."""
        if self._decoder.eof:
            # Streams may be padded with zeros.
            rest = self._decoder.unused_data.lstrip(b"\0")
            while not rest and (more := bytes(self._raw.read(PIECE))):
                rest = more.lstrip(b"\0")
            if not rest:
                self._ended = True
                return b""
            self._decoder, self._rest = lzma.LZMADecompressor(), rest
        if self._decoder.needs_input and not self._rest:
            self._rest = bytes(self._raw.read(PIECE))
            if not self._rest:
                raise EOFError("the compressed file ends before its end mark")
        given, self._rest = self._rest, b""
        return self._decoder.decompress(given, most)


class JoinedStream(Wrapped):
    """Bytes already taken from a stream, followed by the rest of the stream."""

    def __init__(self, seen: bytes, rest: Any, *, owned: bool = True) -> None:
        super().__init__(rest, owned=owned)
        self._seen = seen

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, fewer only at the end."""
        # Never short before the end: readers of messages take a short answer for a cut stream.
        pieces = [self._seen[:size] if size >= 0 else self._seen]
        self._seen = self._seen[len(pieces[0]) :]
        length = len(pieces[0])
        while size < 0 or length < size:
            piece = self._raw.read(PIECE if size < 0 else size - length)
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces)
