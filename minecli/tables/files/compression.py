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
    for magic, method in _MAGIC_OF_COMPRESSION.items():
        if beginning.startswith(magic):
            return method
    return None


class XzStream(io.RawIOBase):
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


class JoinedStream(io.RawIOBase):
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
            piece = self._rest.read(PIECE if size < 0 else size - taken)
            if not piece:
                break
            pieces.append(piece)
            taken += len(piece)
        return b"".join(pieces)
