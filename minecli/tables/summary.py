"""What the columns of a table are and how they would be used: the content of `minecli columns FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, BinaryIO

from minecli.tables.asked_kinds import AskedKinds, asked_kinds
from minecli.tables.column_summary import ColumnSummary
from minecli.tables.files.formats import TEXT_FORMATS
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import DEFAULT_READING, Reading
from minecli.tables.files.reading import filtered, open_table
from minecli.tables.files.sources import label_of
from minecli.tables.side_by_side import describe_all

_INDEX = "index of the rows, used only where it is named"
# Columns are read together as long as they take so many bytes; how many one takes is guessed from those before. Readers
# need memory for each column as well.
_BATCH_BYTES = 64 << 20
_BATCH_COLUMNS = 1 << 12
_TEXT_COLUMNS = 1 << 14
_VALUE_BYTES = 8
_GROWTH = 32


@dataclass(frozen=True)
class Described:
    """The columns of a table in the order of the file, and the notes on how it was read."""

    columns: tuple[ColumnSummary, ...]
    notes: tuple[str, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """The columns as plain records.

        >>> Described((ColumnSummary("a", "text", 0, 0, 1, "x", "x", None, "left out", False),)).records()[0]["name"]
        'a'
        """
        return [dict(vars(column)) for column in self.columns]


def describe_columns(
    source: str | Sequence[str],
    *,
    reading: Reading = DEFAULT_READING,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    stdin: BinaryIO | None = None,
) -> Described:
    """Summarise every column of a table. The arguments are those of `groups.load_groups`.

    Parquet and Arrow files are read some columns at a time, long ones alone, so that the peak is about the largest
    column and one copy of it. A column that cannot be used is listed with its reason; DataError is raised only for a
    table that cannot be read, and UsageError for selectors and options that do not fit.

    >>> import io
    >>> described = describe_columns("-", stdin=io.BytesIO(b"a,b\\n1,\\n2,0.5\\n"))
    >>> [(c.name, c.type, c.missing) for c in described.columns]
    [('a', 'int64', 0), ('b', 'float64', 1)]
    """
    table = open_table(source, reading, stdin)
    asked = asked_kinds(categorical, numeric, table.header, source=label_of(source))
    table = filtered(table, reading)
    index = frozenset(table.index)
    columns = tuple(_as_index(column) if column.name in index else column for column in _described(table, asked))
    return Described(columns, tuple(table.notes))


def _as_index(column: ColumnSummary) -> ColumnSummary:
    return replace(column, encoding=f"{_INDEX}: {column.encoding}") if column.usable else column


def _described(table: OpenTable, asked: AskedKinds) -> list[ColumnSummary]:
    """All columns, read at once where the format has to be read whole, else batch by batch; text, which is scanned for
    each batch, in as few as memory allows."""
    names = table.names
    if not table.once and table.format in TEXT_FORMATS:
        batches = [names[start : start + _TEXT_COLUMNS] for start in range(0, len(names), _TEXT_COLUMNS)]
        return [column for batch in batches for column in describe_all(table.read(batch), asked)]
    if table.once or table.format not in ("parquet", "arrow"):
        return describe_all(table.read(names), asked)
    summaries: list[ColumnSummary] = []
    most = 1
    while len(summaries) < len(names):
        batch = _next(names[len(summaries) : len(summaries) + most], table)
        here, size = _batch(table, batch, asked)
        summaries += here
        most = max(1, min(_GROWTH * len(batch), _BATCH_COLUMNS, _BATCH_BYTES * len(batch) // max(size, 1)))
    return summaries


def _next(names: Sequence[str], table: OpenTable) -> Sequence[str]:
    """The first of the names, or those up to a column of lists: these may be wide, and are read alone."""
    return names[:1] if names[0] in table.lists else list(takewhile(lambda name: name not in table.lists, names))


def _batch(table: OpenTable, names: Sequence[str], asked: AskedKinds) -> tuple[list[ColumnSummary], int]:
    """The summaries of some columns, and how many bytes these take. They are gone before others are read."""
    rows = table.read(names)
    return describe_all(rows, asked), max(rows.nbytes, _VALUE_BYTES * rows.num_rows * len(names))
