"""Tables and views of SQLite databases, and the rows of a query over them; opened for reading alone.

A database is left as it was found: not even the files of a write-ahead log come up beside it, unless such a log holds
changes that are not in the database yet. The rows of a table come in the order in which it holds them, whichever
columns are read. SQLite gives each cell a type of its own, see `cells`; texts of a column that is declared as a date or
timestamp are such where all of them read so.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.tables.files.cells import CellColumn
from minecli.tables.files.faults import first_line
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.parts import Part
from minecli.tables.files.queries import QUERY_NAME, of_result
from minecli.tables.selectors.wording import nearest, quoted

_PLAIN = " NOT INDEXED"
_WITHOUT_LOG = "&immutable=1"
_ROWS = 1 << 14
_STEPS_BETWEEN_SIGNALS = 1_000_000
# What a query may do, by sqlite3's codes of actions: reading takes no more.
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
# What the errors of a damaged or busy database say, in distinction to those of a wrong query.
_FAULTS = ("malformed", "not a database", "locked", "disk I/O", "unable to open", "decode to UTF-8", "encrypted")


@dataclass(frozen=True)
class _Table:
    """A table or view: its columns, as what they were declared, and the one that numbers the rows, if any."""

    name: str
    is_view: bool
    declared: Mapping[str, str]
    index: tuple[str, ...]

    def select(self, columns: Sequence[str]) -> str:
        """The statement that reads columns. An index that holds them all may be read instead of the table, in another
        order of rows, unless it is ruled out."""
        return f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(self.name)}{'' if self.is_view else _PLAIN}"


def open_sqlite(part: Part, reading: Reading) -> OpenTable:
    """Open a table or view of a database, `reading.table`, or the rows of the query `reading.sql`.

    The query may name all tables and views; if there is only one table, it is also called data.
    Raises DataError for a damaged or locked database, and where nothing says which of several tables is meant;
    UsageError for an unknown table, and for a query that is wrong or does anything but read.
    """
    label = part.label
    if reading.sql is not None:
        with _connected(label, part) as database:
            return of_result(label, "sqlite", _queried(database, reading.sql))
    with _connected(label, part) as database:
        table = _described(database, _chosen(database, label, reading.table))

    def read(columns: Sequence[str]) -> Any:
        # Of a view all columns are read, for which ones are may change the order of its rows.
        fetched = tuple(table.declared) if table.is_view else tuple(dict.fromkeys(columns))
        with _connected(label, part) as database:
            arrays = _fetched(database.execute(table.select(fetched)), fetched, columns)
        return pa.table([_as_declared(arrays[name], table.declared[name]) for name in columns], names=list(columns))

    return OpenTable(label, "sqlite", tuple(table.declared), read, index=table.index)


@contextlib.contextmanager
def _connected(label: str, part: Part) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write; its errors are those of the file."""
    try:
        with part.local() as path:
            address = (
                f"file:{quote(os.fsencode(Path(path).absolute()))}?mode=ro{_WITHOUT_LOG if _idle_log(path) else ''}"
            )
            with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
                # Called now and then, so that Ctrl-C is noticed within a long query.
                database.set_progress_handler(lambda: None, _STEPS_BETWEEN_SIGNALS)
                yield database
    except sqlite3.Error as error:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from error
        raise _explanation(label, error) from error


def _idle_log(path: str) -> bool:
    """Whether a database uses a write-ahead log that holds nothing now. SQLite would make its files even to read."""
    with open(path, "rb") as file:
        head = file.read(20)
    log = f"{path}-wal"
    return len(head) == 20 and 2 in head[18:20] and not (os.path.exists(log) and os.path.getsize(log))


def _explanation(label: str, error: sqlite3.Error) -> DataError:
    text = first_line(error)
    hint = "is the file whole? copy or write it again"
    if "locked" in text:
        hint = "another program is writing to it: try again when that is done"
    elif "unable to open" in text:
        hint = (
            f"beside it may lie files of a log that cannot be read: cp {shlex.quote(label)}* FOLDER, and read it there"
        )
    elif "decode to UTF-8" in text:
        hint = "leave that column out, or read it as bytes: --sql 'SELECT CAST(a AS BLOB) AS a, b FROM data'"
    return DataError(f"cannot read {label} as an SQLite database: {text}", hint=hint)


def _chosen(database: sqlite3.Connection, label: str, asked: str | None) -> str:
    """The table to read: the one asked for, else the only one there is."""
    kinds = _kinds(database)
    if asked is not None:
        if asked in kinds:
            return asked
        known = nearest(asked, list(kinds)) or list(kinds)
        raise UsageError(f"--table: there is no table '{asked}' in {label}; it has {quoted(list(kinds)) or 'none'}",
                         hint=f"--table {shlex.quote(known[0])}" if known else "choose another file")  # fmt: skip
    tables = [name for name, kind in kinds.items() if kind == "table"] or list(kinds)
    if not tables:
        raise DataError(f"{label} is a database without tables", hint="check what should have written it")
    if len(tables) > 1:
        raise DataError(
            f"{label} has {len(kinds)} tables and views: {quoted(list(kinds))}",
            hint=f"say which one, as in --table {shlex.quote(tables[0])}",
        )
    return tables[0]


def _kinds(database: sqlite3.Connection) -> dict[str, str]:
    """The names of all tables and views of a database, each with which of the two it is."""
    rows = database.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY rowid")
    return {name: kind for name, kind in rows if not name.lower().startswith("sqlite_")}


def _described(database: sqlite3.Connection, name: str) -> _Table:
    rows = database.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
    # Of virtual tables, columns marked 1 are arguments of functions.
    declared = {column: type_.upper() for _, column, type_, _, _, _, hidden in rows if hidden != 1}
    keys = [column for _, column, _, _, _, key, _ in rows if key]
    # Such a column is the number by which SQLite itself knows the row.
    index = tuple(keys) if len(keys) == 1 and declared.get(keys[0]) == "INTEGER" else ()
    return _Table(name, _kinds(database)[name] == "view", declared, index)


def _queried(database: sqlite3.Connection, sql: str) -> Any:
    """The rows of a query as an Arrow table, whose names may repeat."""
    kinds = _kinds(database)
    tables = [name for name, kind in kinds.items() if kind == "table"]
    if len(tables) == 1 and QUERY_NAME not in kinds:
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute(f"CREATE TEMP VIEW {QUERY_NAME} AS SELECT * FROM main.{_quoted(tables[0])}{_PLAIN}")
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
    try:
        cursor = database.execute(sql)
        if cursor.description is None:
            raise UsageError("--sql: the query is empty", hint=f"as in --sql 'SELECT * FROM {next(iter(kinds), 't')}'")
        names = [column[0] for column in cursor.description]
        keys = [str(i) for i in range(len(names))]
        columns = _fetched(cursor, keys, keys, spoken=names)
    except (sqlite3.Error, sqlite3.Warning) as error:
        text = first_line(error)
        if text == "interrupted" or any(fault in text for fault in _FAULTS):
            raise
        if "authoriz" in text:
            text = "the query may only read: it must be one SELECT"
        raise UsageError(f"--sql: {text}", hint=f"the tables and views are {quoted(list(kinds))}") from error
    return pa.Table.from_arrays(list(columns.values()), names=names)


def _fetched(
    cursor: sqlite3.Cursor, fetched: Sequence[str], wanted: Sequence[str], spoken: Sequence[str] | None = None
) -> dict[str, Any]:
    """The `wanted` ones among the columns that a cursor gives, as Arrow arrays; messages call them as in `spoken`."""
    places = {name: fetched.index(name) for name in wanted}
    columns = {name: CellColumn((spoken or fetched)[place]) for name, place in places.items()}
    while rows := cursor.fetchmany(_ROWS):
        cells = list(zip(*rows, strict=True))
        for name, place in places.items():
            columns[name].add(cells[place])
    return {name: column.finish() for name, column in columns.items()}


def _as_declared(column: Any, declared: str) -> Any:
    """Texts of a column that is declared as a date or timestamp as such, where all of them are."""
    if not (pa.types.is_string(column.type) and declared.startswith(("DATE", "TIMESTAMP"))):
        return column
    try:
        return column.cast(pa.date32() if declared == "DATE" else pa.timestamp("us"))
    except pa.ArrowInvalid:
        return column


def _quoted(name: str) -> str:
    """A name as SQL takes it whatever it holds.

    >>> _quoted('the "one"')
    '"the ""one\"""'
    """
    return '"' + name.replace('"', '""') + '"'
