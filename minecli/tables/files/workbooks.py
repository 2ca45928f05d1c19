"""Sheets of workbooks (.xlsx, .xls, .ods and their kin) by the optional package python-calamine.

The first row that is not empty names the columns, as in tables of text. Rows and columns without any value are passed
over. A workbook knows only fractions: a column whose numbers are all whole holds whole numbers. An empty cell is
missing, and so is one with an error (#N/A, #DIV/0!), a formula whose value was never stored, and a word such as NA.
"""

from __future__ import annotations

import importlib.util
import pickle
import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError, MinecliError, UsageError
from minecli.runtime.memory import available_bytes
from minecli.tables.exactness import MOST
from minecli.tables.files import sheet_process
from minecli.tables.files.cells import CellColumn, cell_text
from minecli.tables.files.column_names import ColumnNames, numbered, placed
from minecli.tables.files.delimited import NULL_SPELLINGS
from minecli.tables.files.faults import explained
from minecli.tables.files.formats import Format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.parts import Part
from minecli.tables.selectors.wording import nearest, quoted

_OLD = b"\xd0\xcf\x11\xe0"
_FIRST_MEMBER = 120
_MEANINGFUL = ("--header", "--skip-rows", "--keep-na-strings")
_MOST_CELLS = 1 << 27

Row = Sequence[Any]


def open_workbook(part: Part, reading: Reading) -> OpenTable:
    """Open a sheet of a workbook, `reading.table`, else the only one that has values; hidden ones count only by name.

    Raises DataError where the package is missing, the workbook is damaged or protected, or nothing says which of
    several sheets is meant; UsageError for an unknown sheet and for options of text that have no effect.
    """
    if idle := [option for option in reading.text_only if option not in _MEANINGFUL]:
        raise UsageError(f"{idle[0]} applies to text tables, and this one is a workbook", hint=f"leave {idle[0]} out")
    content, sheet, rows = _sheet(part, reading)
    label = f"sheet '{sheet}' of {part.label}"
    rows = [row for row in rows[reading.skip_rows :] if any(cell != "" for cell in row)]
    if not rows:
        raise DataError(f"{label} has no rows", hint="--table names another sheet, --skip-rows 0 skips no rows")
    columns = [column for column in zip(*rows, strict=True) if any(cell != "" for cell in column)]
    said = _names([column[0] for column in columns], label, reading.header)
    first = 0 if reading.header is False else 1
    places = {name: place for place, name in enumerate(said.names)}

    def read(wanted: Sequence[str]) -> Any:
        arrays = [_column(name, columns[places[name]][first:], reading.keep_na_strings) for name in wanted]
        return pa.table(arrays, names=list(wanted))

    return OpenTable(part.label, _format(content), said.names, read, notes=said.notes, index=said.index)


def _format(content: bytes) -> Format:
    if content.startswith(_OLD):
        return "xls"
    return "ods" if b"opendocument" in content[:_FIRST_MEMBER] else "xlsx"


def _sheet(part: Part, reading: Reading) -> tuple[bytes, str, list[Row]]:
    """The bytes of the workbook, and the name and the rows of the sheet to read."""
    if importlib.util.find_spec("python_calamine") is None:
        raise DataError(
            f"{part.label} is a workbook, and the package that reads it, python-calamine, is not installed",
            hint="pip install 'minecli[excel]', or save the sheet as CSV",
        )
    with explained(part.label, "a workbook"):
        with part.random() as file:
            content = bytes(file.read())
        answer = _answer(content, reading.table)
        if "error" in answer:
            damaged = "detect file format" in answer["error"]
            raise OSError("it is damaged, or protected by a password" if damaged else answer["error"])
    if "chosen" not in answer:
        raise _no_choice(answer["names"], answer["filled"], part.label, reading.table)
    if answer["rows"] is None:
        rows, columns = answer["extent"]
        raise DataError(
            f"sheet '{answer['chosen']}' of {part.label} has {rows} rows and {columns} columns, empty ones included",
            hint="a stray value far from the table makes it that large: delete it, or save the sheet as CSV",
        )
    return content, answer["chosen"], answer["rows"]


def _answer(content: bytes, wanted: str | None) -> dict[str, Any]:
    """What the process that reads workbooks says (see `sheet_process`)."""
    done = subprocess.run(
        # Without -P the folder of the program would come first where modules are looked for.
        [sys.executable, "-P", sheet_process.__file__],
        input=pickle.dumps((available_bytes(), content, wanted, _MOST_CELLS)),
        capture_output=True,
        check=False,
        # Ctrl-C is for the command to answer.
        start_new_session=True,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"its reader broke down: {lines[0] if lines else 'without a word'}")
    answer: dict[str, Any] = pickle.loads(done.stdout)
    return answer


def _no_choice(names: Sequence[str], filled: Sequence[str], label: str, wanted: str | None) -> MinecliError:
    """The error of a workbook of which no sheet is chosen."""
    if wanted is not None:
        close = (nearest(wanted, names) or names)[0]
        return UsageError(
            f"--table: there is no sheet '{wanted}' in {label}; it has {quoted(names)}",
            hint=f"--table {shlex.quote(close)}",
        )
    if not filled:
        return DataError(f"{label} has no sheet with values; its sheets are {quoted(names)}", hint="--table names one")
    return DataError(
        f"{label} has {len(filled)} sheets with values: {quoted(filled)}",
        hint=f"say which one, as in --table {shlex.quote(filled[0])}",
    )


def _names(first: Row, label: str, header: bool | None) -> ColumnNames:
    """What the first row says of the columns; `header` is whether it names them, None where nobody has said so.

    Raises DataError where it holds numbers, or a name twice.
    """
    if header is False:
        names = numbered(len(first))
        return ColumnNames(names, notes=(f"the columns of {label} are called {names[0]} to {names[-1]}",))
    numbers = [cell for cell in first if isinstance(cell, float | int) and not isinstance(cell, bool)]
    fractions = any(float(number) != int(number) for number in numbers)
    if header is None and (fractions or (len(numbers) == len(first) > len(set(numbers)))):
        raise DataError(
            f"the first row of {label} holds numbers ({quoted(first)}); it must name the columns",
            hint="if it is a row like others: --no-header; if these are names: --header",
        )
    names = placed([cell_text(cell) for cell in first], label, "first row")
    unnamed = [name for name, cell in zip(names, first, strict=True) if cell == ""]
    if not unnamed:
        return ColumnNames(names)
    # The index of a pandas frame has no name where it is written.
    index = names[:1] if first[0] == "" and len(names) > 1 else ()
    return ColumnNames(names, index, (f"{label}: columns without a name are called by their place: {quoted(unnamed)}",))


def _column(name: str, cells: Row, keep_words: bool) -> Any:
    nulls = {""} if keep_words else set(NULL_SPELLINGS)
    column = CellColumn(name)
    column.add([None if isinstance(cell, str) and cell in nulls else cell for cell in cells])
    values = column.finish()
    if pa.types.is_floating(values.type) and _all_whole(values):
        return values.cast(pa.int64())
    return values


def _all_whole(numbers: Any) -> bool:
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less_equal(pc.abs(numbers), float(MOST)))
    return bool(pc.all(whole).as_py())
