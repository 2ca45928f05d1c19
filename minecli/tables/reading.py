"""Opening a table: what columns it has, and the named ones as Arrow arrays. Nothing but the named columns is
decoded.

Parquet and Arrow files are read column by column from disk; text must be scanned whole, but only the named
columns are converted. The parts of a folder or glob are Parquet files with one schema, one after the other in
sorted order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from minecli.errors import DataError, UsageError
from minecli.tables.columns import quoted
from minecli.tables.delimited import no_rows, read_dialect, read_rows
from minecli.tables.formats import Format, detect_format
from minecli.tables.sources import Part, Source, explained, locate

METADATA_PREFIX = "minecli."


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read: format, delimiter and further spellings of a missing value; None and () leave it open. Columns of
    text tables that are named in `as_text` are taken as text even if all their values read as numbers."""

    input_format: str | None = None
    delimiter: str | None = None
    na_values: Sequence[str] = ()
    as_text: Sequence[str] = ()


@dataclass(frozen=True)
class OpenTable:
    """A table whose columns are known and whose rows are not read yet.

    `read(columns)` gives them as an Arrow table in that order; where `once` is set it can be called a single
    time. `metadata` is what the file carries under the product's own prefix.
    """

    source: str
    format: Format
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], Any]
    once: bool = False
    notes: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


def open_table(source: str, reading: Reading, stdin: BinaryIO | None = None) -> OpenTable:
    """Open what `source` names (see `sources.locate`) and read its header.

    Raises DataError where it is no table, UsageError for options that do not fit its format.
    """
    found = locate(source, stdin)
    first = found.parts[0]
    form = detect_format(first, reading.input_format)
    if form not in ("csv", "tsv"):
        _refuse_text_options(form, reading)
    if len(found.parts) > 1 and form != "parquet":
        raise DataError(
            f"{source} stands for {len(found.parts)} {form} files; only Parquet parts can be joined",
            hint="name one file",
        )
    if form == "parquet":
        return _parquet(found)
    if form == "arrow":
        return _arrow_file(found.label, first)
    if form == "arrow-stream":
        return _arrow_stream(found.label, first)
    return _text(found.label, first, form, reading)


def read_metadata(source: str) -> dict[str, str]:
    """What a Parquet or Arrow file carries under the product's prefix, prefix removed; {} for other files."""
    return open_table(source, Reading()).metadata


def _text(label: str, part: Part, form: Format, reading: Reading) -> OpenTable:
    dialect = read_dialect(part, reading.delimiter, tabs=form == "tsv")

    def read(columns: Sequence[str]) -> Any:
        table = read_rows(part, dialect, columns, reading.na_values, reading.as_text).select(list(columns))
        return _with_rows(table, part.label)

    return OpenTable(label, form, dialect.names, read, part.once, dialect.notes)


def _parquet(found: Source) -> OpenTable:
    first = found.parts[0]
    schema = _parquet_schema(first)
    for part in found.parts[1:]:
        _check_same_schema(schema, first, _parquet_schema(part), part)
    _check_unique(schema.names, found.label)

    def read(columns: Sequence[str]) -> Any:
        tables = [_parquet_columns(part, columns) for part in found.parts]
        return _with_rows(pa.concat_tables(tables), found.label)

    return OpenTable(found.label, "parquet", tuple(schema.names), read, metadata=_own_metadata(schema))


def _parquet_schema(part: Part) -> Any:
    with explained(part.label, "Parquet"), pq.ParquetFile(part.random()) as file:
        return file.schema_arrow


def _parquet_columns(part: Part, columns: Sequence[str]) -> Any:
    # Opened again for each use: thousands of parts held open would exhaust the file descriptors. Without
    # pre-buffering the compressed bytes of all columns are not held beside the decoded ones.
    with explained(part.label, "Parquet"), pq.ParquetFile(part.random(), pre_buffer=False) as file:
        # The reader takes "a" for "a.b" as well, hence the select.
        return file.read(columns=list(columns)).select(list(columns))


def _arrow_file(label: str, part: Part) -> OpenTable:
    with explained(part.label, "Arrow"):
        schema = pa.ipc.open_file(part.random()).schema
    _check_unique(schema.names, label)

    def read(columns: Sequence[str]) -> Any:
        # The reader gives the fields in file order whatever the order asked for, hence the select.
        places = sorted(schema.get_field_index(name) for name in columns)
        with explained(part.label, "Arrow"):
            options = pa.ipc.IpcReadOptions(included_fields=places)
            table = pa.ipc.open_file(part.random(), options=options).read_all()
        return _with_rows(table.select(list(columns)), label)

    return OpenTable(label, "arrow", tuple(schema.names), read, part.once, metadata=_own_metadata(schema))


def _arrow_stream(label: str, part: Part) -> OpenTable:
    with explained(part.label, "an Arrow stream"):
        batches = pa.ipc.open_stream(part.stream())
    schema = batches.schema
    _check_unique(schema.names, label)

    def read(columns: Sequence[str]) -> Any:
        wanted = pa.schema([schema.field(name) for name in columns])
        with explained(part.label, "an Arrow stream"):
            kept = [batch.select(list(columns)) for batch in batches]
        return _with_rows(pa.Table.from_batches(kept, wanted), label)

    return OpenTable(label, "arrow-stream", tuple(schema.names), read, True, metadata=_own_metadata(schema))


def _with_rows(table: Any, label: str) -> Any:
    if table.num_rows == 0:
        raise no_rows(label)
    return table


def _own_metadata(schema: Any) -> dict[str, str]:
    stored: dict[bytes, bytes] = schema.metadata or {}
    prefix = METADATA_PREFIX.encode()
    return {key[len(prefix) :].decode(): value.decode() for key, value in stored.items() if key.startswith(prefix)}


def _check_unique(names: Sequence[str], label: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{label} has the same column name more than once: {quoted(twice)}",
            hint="each column needs a name of its own",
        )


def _check_same_schema(first: Any, first_part: Part, other: Any, part: Part) -> None:
    if first.names == other.names and first.types == other.types:
        return
    if first.names != other.names:
        here, there = set(first.names), set(other.names)
        differing = sorted(here ^ there)
        problem = (
            f"differ in their columns: {quoted(differing)}" if differing else "have their columns in another order"
        )
    else:
        name = next(name for name in first.names if first.field(name).type != other.field(name).type)
        problem = f"differ in column '{name}': {first.field(name).type} and {other.field(name).type}"
    raise DataError(
        f"the parts {first_part.label} and {part.label} {problem}",
        hint="parts of one table must have one schema",
    )


def _refuse_text_options(form: Format, reading: Reading) -> None:
    for option, value in (("--delimiter", reading.delimiter), ("--na-values", reading.na_values)):
        if value:
            raise UsageError(f"{option} applies to text tables, and this one is {form}", hint=f"leave {option} out")
