"""Entries of columns of lists among selectors: "emb[3]" and "emb[0:16]", counted as in Python."""

from __future__ import annotations

import re

from minecli.errors import UsageError
from minecli.tables.selectors.header import Request, entry_name

_ENTRIES = re.compile(
    r"(?P<column>.*)\[(?:(?P<entry>-?[0-9]{1,18})|(?P<start>-?[0-9]{1,18})?:(?P<stop>-?[0-9]{1,18})?)\]", re.DOTALL
)
# More are not meant, and their names alone would fill the memory.
_MOST_ENTRIES = 1_000_000


def entries_of(text: str, request: Request) -> tuple[str, range] | None:
    """The column of lists and those of its entries that a text names; None where it names none.

    Raises UsageError for entries that the lists do not have, and for places counted from an end that is not known.

    >>> from minecli.tables.selectors.header import Header
    >>> entries_of("emb[-2:]", Request(Header(("emb",), lists={"emb": 8}), "--x", "FILE"))
    ('emb', range(6, 8))
    """
    match = _ENTRIES.fullmatch(text) if request.header.lists and text.endswith("]") else None
    if match is None or not request.header.has_lists(match["column"]):
        return None
    column, entry = match["column"], match["entry"]
    if entry is not None:
        first = _place(entry, 0, column, text, request)
        entries = range(first, first + 1)
    else:
        width = request.header.lists[column]
        entries = range(
            _place(match["start"], 0, column, text, request), _place(match["stop"], width, column, text, request)
        )
    _check(entries, column, text, request)
    return column, entries


def entry_names(column: str, entries: range, request: Request) -> list[str]:
    """What the entries are called.

    Raises UsageError where another column of the table is called so.
    """
    names = [entry_name(column, entry) for entry in entries]
    clashing = [name for name in names if name in request.header.places]
    if clashing:
        raise request.wrong(
            f"entry '{clashing[0]}' of '{column}' cannot be named, because another column is called so",
            f"name all of '{column}', or other entries",
        )
    return names


def all_entries(column: str, request: Request) -> range:
    """The entries of a column of lists of which one is to be taken out.

    Raises UsageError where their number is not known.
    """
    width = request.header.lists[column]
    if width is None:
        raise request.wrong(
            f"an entry cannot be taken out of '{column}', because the width of its lists is not known before its rows "
            "are read",
            f"name the entries to keep, as in '{column}[0:16]'",
        )
    return _few(range(width), column, request)


def why_no_entry(text: str, request: Request) -> UsageError | None:
    """The error for a text that looks like the entries of a column, if it does, and names no column."""
    column, bracket, _ = text.rpartition("[")
    if not bracket or not text.endswith("]") or column not in request.header.places:
        return None
    problem = f"no column matches {request.said(text)}"
    if request.header.has_lists(column):
        return request.wrong(problem, f"entries of '{column}' are named as in '{column}[0]' or '{column}[0:16]'")
    return request.wrong(f"{problem}, and '{column}' holds no lists of which it could be an entry")


def _place(written: str | None, default: int | None, column: str, text: str, request: Request) -> int:
    """A place in a list as it is written, one from the end included; the default where nothing is."""
    place, width = default if written is None else int(written), request.header.lists[column]
    if place is not None and place >= 0:
        return place
    if width is None:
        raise request.wrong(
            f"{request.said(text)} needs the width of the lists of '{column}', which is not known before its rows are "
            "read",
            f"count both ends from the beginning, as in '{column}[0:16]'",
        )
    return width if place is None else width + place


def _check(entries: range, column: str, text: str, request: Request) -> None:
    width = request.header.lists[column]
    if width is not None and not (0 <= entries.start <= width and 0 <= entries.stop <= width):
        has = f"which has {width}: 0 to {width - 1}" if width else "whose lists are empty"
        raise request.wrong(f"{request.said(text)} goes beyond the entries of '{column}', {has}")
    if not entries:
        raise request.wrong(
            f"{request.said(text)} names no entry", f"'{column}[0:16]' is from 0 up to but not including 16"
        )
    _few(entries, column, request)


def _few(entries: range, column: str, request: Request) -> range:
    if len(entries) > _MOST_ENTRIES:
        raise request.wrong(
            f"these are {len(entries):,} entries of '{column}'; at most {_MOST_ENTRIES:,} can be named",
            f"name all of '{column}', or fewer entries",
        )
    return entries
