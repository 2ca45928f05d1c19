"""SQL over a table, which the query calls `data`, by the optional package duckdb.

The query sees the table and nothing else: no file, no network, no extension that is not built in, and it can only
read. It runs on one thread, so that rows that no ORDER BY orders come in the same order each time. Only columns that
it may need are read. (SQLite databases answer queries themselves, see `databases`.)
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from minecli.errors import DataError, MemoryShort, MinecliError, UsageError
from minecli.tables.files.faults import first_line
from minecli.tables.files.formats import Format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.schemas import list_widths
from minecli.tables.selectors.wording import counted, quoted, repeated

QUERY_NAME = "data"
_SETTINGS = (
    "enable_external_access = false",
    "python_enable_replacements = false",
    "enable_progress_bar = false",
    "lock_configuration = true",
)
_CONFIG = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
# The parts of a query that name each column they use; any other may use all of them.
_EXPLICIT = {
    "COLUMN_REF", "CONSTANT", "FUNCTION", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "CAST", "BETWEEN", "WINDOW",
    "SUBQUERY", "COLLATE", "TYPE",
}  # fmt: skip
_SOURCES = {"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY"}


def over(table: OpenTable, sql: str) -> OpenTable:
    """The rows of a query over `table`, which is read and queried at once.

    Raises DataError where duckdb is not installed or cannot take a column's type; UsageError for a query that is wrong
    or more than one SELECT, and for one that gives no rows or two columns of one name.
    """
    duckdb = _duckdb()
    with duckdb.connect(":memory:", config=_CONFIG) as database:
        for setting in _SETTINGS:
            database.execute(f"SET {setting}")
        try:
            _check_single_select(duckdb, database, sql)
            columns = _mentioned(duckdb, database, sql, table.names)
            rows = table.read(columns)
            database.register(QUERY_NAME, _simplified(rows))
            result = database.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise _explanation(duckdb, error, table.names) from error
        except RuntimeError as error:
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise
    return of_result(table.source, table.format, result, table.notes)


def of_result(label: str, form: Format, rows: Any, notes: Sequence[str] = ()) -> OpenTable:
    """The rows that a query gave as a table to read from. Raises UsageError where there are none or names repeat.

    >>> of_result("t.csv", "csv", pa.table({"a": [1, 2], "n": [3, 4]})).names
    ('a', 'n')
    """
    if twice := repeated(rows.column_names):
        raise UsageError(
            f"--sql gives the same column name more than once: {quoted(twice)}",
            hint="give each column a name of its own by AS, as in SELECT a, a + 1 AS b",
        )
    if rows.num_rows == 0:
        raise UsageError(f"--sql gives no rows of {label}", hint="check the conditions of the query")
    return OpenTable(
        label,
        form,
        tuple(rows.column_names),
        lambda names: rows.select(list(names)),
        notes=tuple(notes),
        lists=list_widths(rows.schema),
    )


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise DataError(
            "--sql needs the package duckdb, which is not installed (except for SQLite databases)",
            hint="pip install 'minecli[duckdb]'; rows can also be chosen by --where",
        ) from error
    return duckdb


def _check_single_select(duckdb: Any, database: Any, sql: str) -> None:
    statements = database.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        what = "empty" if not statements else f"{counted(len(statements), 'statement')}, not one SELECT"
        what = what if len(statements) != 1 else f"no SELECT but {statements[0].type.name}"
        raise UsageError(f"--sql: the query is {what}", hint=f"as in --sql 'SELECT * FROM {QUERY_NAME} WHERE a > 0'")


def _mentioned(duckdb: Any, database: Any, sql: str, names: Sequence[str]) -> list[str]:
    """The columns that a query may use: those whose names occur in it, or all where it may mean others too."""
    try:
        text = database.execute("SELECT json_serialize_sql('" + sql.replace("'", "''") + "')").fetchall()[0][0]
        parts = list(_parts(json.loads(text)))
    except (duckdb.Error, ValueError, RecursionError):
        return list(names)
    # The name of a table in place of a column means its whole rows.
    tables = {str(part["alias"]).casefold() for part in parts if _is_source(part)} | {QUERY_NAME}
    tables -= {name.casefold() for name in names}
    if any(_may_use_all(part, tables) for part in parts):
        return list(names)
    words = {word.casefold() for part in parts for word in _words(part)}
    # To count rows there must be a column.
    return [name for name in names if name.casefold() in words] or list(names[:1])


def _may_use_all(part: Mapping[str, Any], tables: Collection[str]) -> bool:
    """Whether a part of a query may use columns that it does not name."""
    kind, source = part.get("class"), part.get("type")
    if kind == "COLUMN_REF":
        return part["column_names"][-1].casefold() in tables
    if kind is not None:
        return kind not in _EXPLICIT
    # Columns are called anew by their places, or matched by all names that two tables share.
    if part.get("column_name_alias") or part.get("ref_type") == "NATURAL":
        return True
    return isinstance(source, str) and "alias" in part and not _is_source(part)


def _is_source(part: Mapping[str, Any]) -> bool:
    """Whether a part of a query is one of those that rows come from whose columns are named elsewhere."""
    source = part.get("type")
    return isinstance(source, str) and source in _SOURCES


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a JSON tree."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _words(part: Mapping[str, Any]) -> Iterator[str]:
    """The texts that a part of a query holds itself, alone or in a list."""
    for value in part.values():
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str):
                yield word


def _simplified(rows: Any) -> Any:
    """A table with types that duckdb knows: tensors as lists, half precision as single."""
    for place, field in enumerate(rows.schema):
        column = rows.column(place)
        if isinstance(field.type, pa.BaseExtensionType):
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=field.type.storage_type)
        elif pa.types.is_float16(field.type):
            column = column.cast(pa.float32())
        else:
            continue
        rows = rows.set_column(place, field.name, column)
    return rows


def _explanation(duckdb: Any, error: Exception, names: Sequence[str]) -> MinecliError:
    text = first_line(error).removeprefix("Invalid Input Error: ")
    if isinstance(error, duckdb.OutOfMemoryException):
        return MemoryShort(f"not enough memory for --sql: {text}", hint="query fewer rows or columns")
    if "Unsupported Internal Arrow Type" in text:
        return DataError(
            f"duckdb cannot take one of the columns that --sql uses: {text}", hint="name the columns in the query"
        )
    if isinstance(error, duckdb.PermissionException):
        hint = f"a query sees only the table, which it calls {QUERY_NAME}"
    elif isinstance(error, duckdb.CatalogException):
        hint = f"the table is called {QUERY_NAME}"
    else:
        hint = f"the columns of {QUERY_NAME} are {quoted(names)}"
    return UsageError(f"--sql: {text}", hint=hint)
