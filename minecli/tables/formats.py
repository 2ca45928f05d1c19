"""The file formats, and how one is recognised: by what the person says, the first bytes, or the name."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from minecli.errors import DataError, UsageError
from minecli.tables.sources import Part

Format = Literal["csv", "tsv", "parquet", "arrow", "arrow-stream"]

_SPELLINGS: dict[str, Format] = {
    "csv": "csv",
    "txt": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "parquet": "parquet",
    "pq": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
    "arrow-stream": "arrow-stream",
    "arrows": "arrow-stream",
}
_COMPRESSION_SUFFIXES = {".gz", ".bz2", ".zst", ".zstd", ".xz"}
_HEAD = 4096
_KNOWN_BINARY = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"FEA1": "a Feather file of version 1",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
}


def named_format(spelling: str) -> Format:
    """The format a person asked for by name. Raises UsageError for an unknown one.

    >>> named_format("feather")
    'arrow'
    """
    try:
        return _SPELLINGS[spelling.lower().lstrip(".")]
    except KeyError:
        raise UsageError(
            f"'{spelling}' is not an input format; it must be one of {', '.join(_SPELLINGS)}",
            hint="as in --input-format csv",
        ) from None


def detect_format(part: Part, asked: str | None = None) -> Format:
    """Decide how to read `part`. Raises DataError where it is empty or no table.

    The first bytes decide (PAR1, ARROW1, an Arrow stream's continuation mark); text is told apart by the
    file's suffix, and is csv where that says nothing.
    """
    head = part.head(_HEAD)
    if not head:
        raise DataError(f"{part.label} is empty: it has 0 bytes", hint="check what should have written it")
    wanted = None if asked is None else named_format(asked)
    if wanted in ("csv", "tsv"):
        _refuse_binary(part, head)
    if wanted is not None:
        return _arrow_kind(head) if wanted == "arrow" else wanted
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return _arrow_kind(head)
    by_name = _SPELLINGS.get(_suffix(part.name).lstrip("."))
    if by_name in ("parquet", "arrow", "arrow-stream"):
        raise DataError(
            f"{part.label} is called {_suffix(part.name)} but is {_content(head) or 'not in that format'}: "
            f"its first bytes are {head[:6]!r}",
            hint="if it is text, say --input-format csv",
        )
    _refuse_binary(part, head)
    return by_name or "csv"


def _content(head: bytes) -> str | None:
    """What a well-known beginning stands for."""
    return next((kind for magic, kind in _KNOWN_BINARY.items() if head.startswith(magic)), None)


def _refuse_binary(part: Part, head: bytes) -> None:
    kind = _content(head)
    if kind is None and b"\x00" not in head:
        return
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{part.label} is UTF-16 text; tables of text must be UTF-8",
            hint=f"iconv -f UTF-16 -t UTF-8 {part.name or 'FILE'} | minecli ... -",
        )
    raise DataError(
        f"{part.label} is not a table of text: it is {kind or 'binary data'}, its first bytes are {head[:6]!r}",
        hint="the formats are csv, tsv, parquet and arrow (feather)",
    )


def _arrow_kind(head: bytes) -> Format:
    return "arrow" if head.startswith(b"ARROW1") else "arrow-stream"


def _suffix(name: str) -> str:
    """The last suffix that is not one of compression, in small letters.

    >>> _suffix("a.CSV.gz")
    '.csv'
    """
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    while suffixes and suffixes[-1] in _COMPRESSION_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
