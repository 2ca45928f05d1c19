"""Opening a table: what columns it has, and the named ones as Arrow arrays. Nothing but the named columns is
decoded, but for text, which must be scanned whole.

Each format has a module that opens one file; here one of them is chosen, parts are joined, and what holds for all
formats is added: types and missing values that a person names, entries of lists, queries, row filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError, MemoryShort, UsageError
from minecli.runtime.memory import available_bytes
from minecli.tables.files.arrow_files import open_arrow_file, open_arrow_stream
from minecli.tables.files.asked_types import AskedTypes
from minecli.tables.files.delimited import TextRows, no_rows
from minecli.tables.files.dialect import read_dialect
from minecli.tables.files.faults import explained
from minecli.tables.files.formats import TEXT_FORMATS, WORKBOOK_FORMATS, Format, detect_format
from minecli.tables.files.markers import Markers
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.parquet import has_folder_columns, open_parquet, open_parts
from minecli.tables.files.parts import Part, Source
from minecli.tables.files.schemas import check_unique, differing_types
from minecli.tables.files.sources import label_of, locate
from minecli.tables.files.written_integers import has_long_integers, may_be_rounded, notes_on_rounding, rounded_note
from minecli.tables.kinds import filterable
from minecli.tables.selectors.header import element
from minecli.tables.text_numbers import integers, trimmed

if TYPE_CHECKING:
    from minecli.tables.selectors.where import RowFilter

_BYTES_OF_A_VALUE = 8
# What to type where whole numbers of text that cannot be read again, and of JSON, have lost their last digits.
_READ_AS_TEXT = "--type COL=text --numeric COL reads them exactly"
_WRITE_AS_TEXT = "write them as texts, and name them in --numeric"
# Whether numbers may be rounded takes longer to tell of more columns than to read them.
_MANY_COLUMNS = 5000


def open_table(
    source: str | Sequence[str] | OpenTable,
    reading: Reading,
    stdin: BinaryIO | None = None,
    as_text: Sequence[str] = (),
) -> OpenTable:
    """Open what `source` names (see `sources.locate`) and read its header. Columns of text tables that are named in
    `as_text` are taken as text even if all their values read as numbers. A source that is open already is a table in
    memory (see `frames`), for which the same holds.

    Raises DataError where it is no table, UsageError for options that do not fit its format.
    """
    types = AskedTypes(reading.types, reading.date_format, as_text)
    markers = Markers(reading.na_values)
    said: Sequence[str] = ()
    if isinstance(source, OpenTable):
        _refuse_options(source.format, reading)
        check_unique(source.names, source.source)
        table = source
    else:
        located = locate(source, stdin)
        table, said = _joined(located, reading, types, markers), located.notes
    types.check(table.names, label_of(source))
    if reading.sql is not None and table.format != "sqlite":
        from minecli.tables.files.queries import over

        table = over(table, reading.sql)
    return _complete(table, types, markers, queried=reading.sql is not None, said=said)


def row_filter_of(table: OpenTable, reading: Reading) -> RowFilter | None:
    """Which rows of a table `reading.where` states; None where it states nothing, and all count.

    Raises UsageError for what is no condition, and for a column that the table has not.
    """
    if reading.where is None:
        return None
    from minecli.tables.selectors.where import row_filter

    condition = row_filter(reading.where)
    condition.check(table.header, table.source)
    return condition


def filtered(table: OpenTable, reading: Reading) -> OpenTable:
    """An open table with the rows alone that `reading.where` states. Raises what `row_filter_of` raises."""
    condition = row_filter_of(table, reading)
    if condition is None:
        return table

    def read(columns: Sequence[str]) -> Any:
        rows = table.read(list(dict.fromkeys([*columns, *condition.columns])))
        mask = pa.array(condition.rows(rows))
        held = pa.table({name: filterable(rows.column(name)) for name in rows.column_names})
        return held.filter(mask).select(list(columns))

    return replace(table, read=read)


def _joined(located: Source, reading: Reading, types: AskedTypes, markers: Markers) -> OpenTable:
    """The parts of a source as one table."""
    encoded = reading.encoding is not None
    forms = [detect_format(part, reading.input_format, encoded) for part in located.parts]
    _refuse_options(forms[0], reading)
    plain = all(form == "parquet" and part.path is not None for form, part in zip(forms, located.parts, strict=True))
    several = len(located.parts) > 1 or has_folder_columns(located)
    if several and plain and not any(part.compressed for part in located.parts):
        tables = [open_parts(located)]
    else:
        tables = [_opened(part, form, reading, types, markers) for part, form in zip(located.parts, forms, strict=True)]
    for table in tables:
        check_unique(table.names, table.source)
    return tables[0] if len(tables) == 1 else _one_after_the_other(located.label, tables)


def _opened(part: Part, form: Format, reading: Reading, types: AskedTypes, markers: Markers) -> OpenTable:
    if form in TEXT_FORMATS:
        return _text(part, form, reading, types, markers)
    if form == "parquet":
        return open_parquet(part)
    if form == "arrow":
        return open_arrow_file(part)
    if form == "arrow-stream":
        return open_arrow_stream(part)
    return _rarer(part, form, reading)


def _text(part: Part, form: Format, reading: Reading, types: AskedTypes, markers: Markers) -> OpenTable:
    with explained(part.label, "text"):
        rows = TextRows(part, read_dialect(part, reading, tabs=form == "tsv"), reading, markers)
    dialect = rows.dialect
    notes = list(dialect.notes)

    def read(columns: Sequence[str]) -> Any:
        given = types.of_text(columns)
        table = rows.read(columns, given, _Bound(part.label, len(columns)))
        guessed = () if len(columns) > _MANY_COLUMNS else [name for name in columns if name not in given]
        large = [name for name in guessed if may_be_rounded(table.column(name))]
        if large and not part.once:
            # The reader takes them for numbers with a fraction, and loses their last digits.
            as_text = rows.read(large, dict.fromkeys(large, pa.string()), _Bound(part.label, len(large)))
            for name, text in zip(large, as_text.select(large).columns, strict=True):
                exact = integers(trimmed(text))
                if exact is not None:
                    table = table.set_column(table.schema.get_field_index(name), name, exact)
                elif has_long_integers(text):
                    notes.append(rounded_note(name))
        return table.select(list(columns))

    return OpenTable(part.label, form, dialect.names, read, part.once, notes, index=dialect.index)


def _rarer(part: Part, form: Format, reading: Reading) -> OpenTable:
    """Formats whose readers are loaded where they are needed alone."""
    if form == "jsonl":
        from minecli.tables.files.columnar import open_json_lines

        return open_json_lines(part)
    if form == "orc":
        from minecli.tables.files.columnar import open_orc

        return open_orc(part)
    if form in ("npy", "npz"):
        from minecli.tables.files.numpy_files import open_numpy

        return open_numpy(part)
    if form == "sqlite":
        from minecli.tables.files.databases import open_sqlite

        return open_sqlite(part, reading)

    from minecli.tables.files.workbooks import open_workbook

    return open_workbook(part, reading)


class _Bound:
    """Ends the reading of a text whose columns will not fit into memory, before they fill it: small files may hold
    many rows, well compressed."""

    def __init__(self, label: str, columns: int) -> None:
        self._label, self._free = label, available_bytes()
        self._bytes_of_a_row = columns * _BYTES_OF_A_VALUE

    def __call__(self, lines: int) -> None:
        if self._free is not None and lines * self._bytes_of_a_row > self._free:
            raise MemoryShort(
                f"{self._label} has more than {lines:,} rows: the columns asked for need more than the "
                f"{self._free / 1e9:.1f} GB of memory that are free",
                hint="name fewer columns",
            )


def _one_after_the_other(label: str, tables: Sequence[OpenTable]) -> OpenTable:
    """Tables of any formats as one. They must have the same columns, in whatever order."""
    first = tables[0]
    for other in tables[1:]:
        if set(other.names) != set(first.names):
            differing = sorted(set(first.names) ^ set(other.names))
            raise DataError(
                f"the parts {first.source} and {other.source} differ in their columns: "
                f"{', '.join(map(repr, differing[:6]))}",
                hint="parts of one table must have the same columns",
            )

    def read(columns: Sequence[str]) -> Any:
        parts = [table.read(columns) for table in tables]
        for part, table in zip(parts, tables, strict=True):
            if error := differing_types(parts[0].schema, part.schema, first.source, table.source):
                raise error
        return pa.concat_tables(parts, promote_options="permissive")

    notes = [note for table in tables for note in table.notes]
    return replace(first, source=label, read=read, once=any(table.once for table in tables), notes=notes)


def _complete(table: OpenTable, types: AskedTypes, markers: Markers, queried: bool, said: Sequence[str]) -> OpenTable:
    """A table that gives entries of lists, types and missing values as asked, and that has rows. The reader of text
    gives types itself, but not those of what is `queried`. `said` are notes on where it comes from."""
    header, notes = table.header, [*said, *table.notes]

    def read(columns: Sequence[str]) -> Any:
        wanted, extra = {name: element(name, header) or (name, None) for name in columns}, list[str]()
        with explained(table.source):
            rows = table.read(list(dict.fromkeys(base for base, _ in wanted.values())))
            if rows.num_rows == 0:
                raise no_rows(table.source)
            if queried or table.format not in TEXT_FORMATS:
                rows = types.cast(rows)
            if table.format == "jsonl":
                extra = notes_on_rounding(rows, _WRITE_AS_TEXT)
            elif table.once and table.format in TEXT_FORMATS:
                extra = notes_on_rounding(rows, _READ_AS_TEXT)
            rows = markers.emptied(rows)
            chosen = [_entry(rows.column(base), base, place) for base, place in wanted.values()]
        notes[:] = [*said, *table.notes, *extra, *_unseen(markers)]
        return pa.table(chosen, names=list(wanted))

    return replace(table, read=read, notes=notes)


def _unseen(markers: Markers) -> list[str]:
    return [f"--na-values {each} matches no value in the columns that were read" for each in markers.unseen()]


def _entry(column: Any, name: str, place: int | None) -> Any:
    """One entry of each list of a column, or the column itself."""
    if place is None:
        return column
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks])
    shortest = pc.min(pc.list_value_length(column)).as_py()
    if shortest is not None and shortest <= place:
        raise DataError(
            f"column '{name}' has no entry {place} in every row: the shortest list has {shortest}",
            hint="entries are counted from 0",
        )
    return pc.list_element(column, place)


def _refuse_options(form: Format, reading: Reading) -> None:
    """Raise UsageError for options that would have no effect."""
    if form not in (*TEXT_FORMATS, *WORKBOOK_FORMATS) and reading.text_only:
        option = reading.text_only[0]
        raise UsageError(f"{option} applies to text tables, and this one is {form}", hint=f"leave {option} out")
    if form not in ("sqlite", *WORKBOOK_FORMATS) and reading.table is not None:
        raise UsageError(
            f"--table names a table of a database or a sheet of a workbook, and this is {form}",
            hint="leave --table out",
        )
