"""The file formats, and how one is recognised: by what the person says, the first bytes, or the name."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from pathlib import PurePath
from typing import Literal

from minecli.errors import DataError, UsageError
from minecli.tables.files.faults import explained
from minecli.tables.files.parts import Part
from minecli.tables.selectors.wording import quoted

Format = Literal[
    "csv", "tsv", "parquet", "arrow", "arrow-stream", "jsonl", "orc", "npy", "npz", "sqlite", "xlsx", "xls", "ods",
    "frame", "arrays",
]  # fmt: skip
# Tables in memory (`tables.frames`) have the last two; no file has.
TEXT_FORMATS: tuple[Format, ...] = ("csv", "tsv")
WORKBOOK_FORMATS: tuple[Format, ...] = ("xlsx", "xls", "ods")

SPELLINGS: dict[str, Format] = {
    "csv": "csv",
    "txt": "csv",
    "dat": "csv",
    "data": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "parquet": "parquet",
    "pq": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
    "arrow-stream": "arrow-stream",
    "arrows": "arrow-stream",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "orc": "orc",
    "npy": "npy",
    "npz": "npz",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "db": "sqlite",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xlsb": "xlsx",
    "xls": "xls",
    "ods": "ods",
}
# Suffixes that say of a text that it is rows of delimited fields, whatever it begins with.
_SURE_SUFFIXES = ("csv", "tsv", "tab")
_COMPRESSION_SUFFIXES = {".gz", ".bz2", ".zst", ".zstd", ".xz"}
_HEAD = 4096
_JSON_HEAD = 1 << 16
_ZIP = b"PK\x03\x04"
# Beginnings that settle the format. Some are letters that a text may begin with too, hence `_is_text`.
_MAGIC: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow-stream",
    b"ORC": "orc",
    b"\x93NUMPY": "npy",
    b"SQLite format 3": "sqlite",
    b"\xd0\xcf\x11\xe0": "xls",
}
_KNOWN_BINARY = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive without members",
    b"\x89HDF": "an HDF5 file",
    b"Obj\x01": "an Avro file",
    b"FEA1": "a Feather file of version 1",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
    b"7z\xbc\xaf": "a 7z archive",
}
_WORDS: dict[Format, str] = {
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
    "arrow-stream": "an Arrow stream",
    "orc": "an ORC file",
    "npy": "a NumPy array",
    "npz": "an archive of NumPy arrays",
    "sqlite": "an SQLite database",
    "xlsx": "an Excel workbook",
    "xls": "an old Excel workbook",
    "ods": "an OpenDocument spreadsheet",
}
# The bytes that text consists of, in any encoding that extends ASCII.
_TEXT_BYTES = bytes({7, 8, 9, 10, 11, 12, 13, 26, 27} | set(range(32, 256)) - {127})
_BEGINS_AS_OBJECT = re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:')
_BEGINS_AS_OBJECTS = re.compile(r'\[\s*(?:\{\s*(?:"|\})|\]\s*$)')


def named_format(spelling: str) -> Format:
    """The format a person asked for by name. Raises UsageError for an unknown one.

    >>> named_format("feather")
    'arrow'
    """
    try:
        return SPELLINGS[spelling.lower().lstrip(".")]
    except KeyError:
        raise UsageError(
            f"'{spelling}' is not an input format; it must be one of {', '.join(SPELLINGS)}",
            hint="as in --input-format csv",
        ) from None


def detect_format(part: Part, asked: str | None = None, encoded: bool = False) -> Format:
    """Decide how to read `part`. Raises DataError where it is empty or no table.

    The first bytes decide wherever they can. Text is told apart by the file's suffix, and where that says little by
    whether it begins with a JSON object; else it is csv. `encoded` means that a person has said which encoding the
    text has: then it may be UTF-16 or hold NUL bytes.
    """
    head = part.head(_HEAD)
    if not head:
        raise DataError(f"{part.label} is empty: it has 0 bytes", hint="check what should have written it")
    by_content = _by_content(part, head)
    if asked is not None:
        return _asked(named_format(asked), part, head, by_content, encoded)
    if by_content is not None:
        return by_content
    suffix = _suffix(part.name).lstrip(".")
    by_name = SPELLINGS.get(suffix)
    if by_name is not None and by_name not in ("csv", "tsv", "jsonl"):
        raise DataError(
            f"{part.label} is called .{suffix} but is {_known_binary(head) or 'not in that format'}: "
            f"its first bytes are {head[:6]!r}",
            hint="if it is text, say --input-format csv",
        )
    _refuse_binary(part, head, encoded)
    if by_name == "jsonl" or (suffix not in _SURE_SUFFIXES and not encoded):
        return _by_text(part, by_name)
    return by_name or "csv"


def _asked(wanted: Format, part: Part, head: bytes, by_content: Format | None, encoded: bool) -> Format:
    if wanted in TEXT_FORMATS:
        if by_content is not None:
            raise _no_text(part, head, _WORDS[by_content])
        _refuse_binary(part, head, encoded)
    if wanted == "jsonl":
        return _by_text(part, wanted)
    # One spelling stands for both kinds of Arrow, and for all that Excel writes.
    if wanted == "arrow":
        return "arrow" if head.startswith(b"ARROW1") else "arrow-stream"
    return by_content if by_content in WORKBOOK_FORMATS and wanted in WORKBOOK_FORMATS else wanted


def _by_content(part: Part, head: bytes) -> Format | None:
    """The format that the first bytes tell; None for text, and for binary data that is no table."""
    if head.startswith(_ZIP):
        return _in_archive(part, head)
    likely = next((form for magic, form in _MAGIC.items() if head.startswith(magic)), None)
    return None if likely is not None and _is_text(head) else likely


def _is_text(head: bytes) -> bool:
    r"""Whether there is no byte among the first ones that text has not: tables may well begin with ORC or PAR1.

    >>> _is_text(b"ORC,PAR1\n"), _is_text(b"ORC\x0a\x00")
    (True, False)
    """
    return not head.translate(None, _TEXT_BYTES)


def _in_archive(part: Part, head: bytes) -> Format:
    """The format of a ZIP archive. Raises DataError where it is damaged, or no table."""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if name.endswith(b".npy"):
        return "npz"
    if name == b"mimetype" and b"opendocument.spreadsheet" in head[38:120]:
        return "ods"
    with explained(part.label, "a ZIP archive"), _opened(part) as archive:
        members = archive.namelist()
    if any(member.startswith("xl/") for member in members):
        return "xlsx"
    if any(member.endswith(".npy") for member in members):
        return "npz"
    raise DataError(
        f"{part.label} is a ZIP archive and no workbook or archive of NumPy arrays; it holds {quoted(members)}",
        hint=f"unpack it, as in unzip -p {shlex.quote(part.name or 'FILE')} MEMBER | minecli ... -",
    )


def _opened(part: Part) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(part.random())
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise OSError(str(error)) from error


def _by_text(part: Part, by_name: Format | None) -> Format:
    """The format of text: jsonl where it begins with a JSON object. Raises DataError for an array of objects."""
    head = part.head(_JSON_HEAD)
    text = head.decode("utf-8-sig", "replace").lstrip()
    if _BEGINS_AS_OBJECTS.match(text) or (by_name == "jsonl" and text.startswith("[")):
        raise DataError(
            f"{part.label} is one JSON array; it must have one JSON object on each line",
            hint=f"jq -c '.[]' {shlex.quote(part.name or 'FILE')} | minecli ... -",
        )
    if by_name == "jsonl" or _is_object(text, cut=len(head) == _JSON_HEAD):
        return "jsonl"
    return by_name or "csv"


def _is_object(text: str, *, cut: bool = False) -> bool:
    r"""Whether text begins with a JSON object that is alone on its line; where the text was `cut`, with part of one.

    >>> _is_object('{"a": 1}\n{"a": 2}\n'), _is_object('{"a": 1},x\n2,3\n'), _is_object("{x},{y}\n1,2\n")
    (True, False, False)
    """
    if not text.startswith("{"):
        return False
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return True
    except ValueError:
        return cut and _BEGINS_AS_OBJECT.match(text) is not None
    return isinstance(value, dict) and text[end:].partition("\n")[0].strip() == ""


def _known_binary(head: bytes) -> str | None:
    """What a well-known beginning stands for, in words."""
    return next((kind for magic, kind in _KNOWN_BINARY.items() if head.startswith(magic)), None)


def _refuse_binary(part: Part, head: bytes, encoded: bool) -> None:
    kind = _known_binary(head)
    if kind is not None and _is_text(head) and not head.startswith(b"%PDF-"):
        kind = None
    if kind is None and (encoded or b"\x00" not in head):
        return
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{part.label} is UTF-16 text", hint="say so: --encoding utf-16")
    raise _no_text(part, head, kind or "binary data")


def _no_text(part: Part, head: bytes, kind: str) -> DataError:
    return DataError(
        f"{part.label} is not a table of text: it is {kind}, its first bytes are {head[:6]!r}",
        hint=f"the formats are {', '.join(dict.fromkeys(SPELLINGS.values()))}",
    )


def _suffix(name: str) -> str:
    """The last suffix that is not one of compression, in small letters.

    >>> _suffix("a.CSV.gz")
    '.csv'
    """
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    while suffixes and suffixes[-1] in _COMPRESSION_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
