"""Where the bytes of a table come from: a file, a pipe, a folder or glob of parts, a URL, standard input, or several.

Compression is recognised by the first bytes and never by the name, so that `data.csv` may be gzipped and
standard input may be a `.zst` stream. A file can be opened again; a pipe cannot, so what was read of
it is put back in front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from minecli.errors import UsageError
from minecli.tables.files.faults import broken_link, explained, not_found
from minecli.tables.files.folders import fixed_part, parts_of_folder, parts_of_glob, passed_over
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Source, file_part, standard_input

_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")


def label_of(source: str | Sequence[str] | OpenTable) -> str:
    """How to speak of one source or several.

    >>> label_of("a.csv"), label_of(("a.csv", "b.csv", "c.csv"))
    ('a.csv', 'a.csv and 2 more')
    """
    if isinstance(source, OpenTable):
        return source.source
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
        sources = [locate(each) for each in source]
        return Source(label_of(source), tuple(part for each in sources for part in each.parts))
    if source == "-":
        if stdin is None:
            raise ValueError("the source is '-' but no stream was given")
        return Source("-", (standard_input(stdin),))
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
            parts, others = parts_of_folder(source, path)
            return Source(source, tuple(parts), str(path), passed_over(source, others))
        if path.exists():
            return Source(source, (file_part(source, path),))
        if path.is_symlink():
            raise broken_link(source)
        if any(c in source for c in "*?["):
            return Source(source, tuple(parts_of_glob(source, str(path))), fixed_part(str(path)))
    raise not_found(source, path)
