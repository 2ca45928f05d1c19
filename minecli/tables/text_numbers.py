"""Numbers that a file holds as text or as categories."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import column_kind, decoded
from minecli.tables.missing import Mask

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_INTEGER = r"^[-+]?\d{1,18}$"


def first_strange(values: Any) -> tuple[int, int, str]:
    """How many texts read as numbers, and the first that does not: its row and value (-1, "" for none).

    >>> first_strange(pa.chunked_array([["1", "2.5e3", "?"]]))
    (2, 2, '?')
    """
    numeric = pc.match_substring_regex(values, _NUMBER)
    row = pc.index(numeric, False).as_py()
    return int(pc.sum(numeric).as_py() or 0), row, values[row].as_py() if row >= 0 else ""


def row_in_file(row: int, kept: Mask | None) -> str:
    """The words for a row of a column that holds the rows `kept` of a file.

    >>> row_in_file(1, np.array([False, True, True]))
    'row 2 (counted from 0)'
    """
    return f"row {row if kept is None else int(np.flatnonzero(kept)[row])} (counted from 0)"


def short(text: str) -> str:
    """Text in quotes, cut where it is long.

    >>> short("a" * 50)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
    """
    return repr(text if len(text) <= 40 else text[:37] + "...")


def number_values(name: str, column: Any, kept: Mask | None = None) -> Any:
    """An Arrow column without missing values that is to be numbers: text and categories are parsed, all else stays.

    Raises DataError for a text that is no number, and for one beyond what float64 can hold.

    >>> number_values("a", pa.chunked_array([["1", " 2.5 ", "+3"]])).to_pylist()
    [1.0, 2.5, 3.0]
    """
    if column_kind(name, column.type) not in ("text", "category"):
        return column
    values = decoded(column)
    if column_kind(name, values.type) != "text":
        _refuse_infinite(name, values, kept)
        return values
    _, row, strange = first_strange(values)
    if row >= 0:
        missing = f"if that means missing: --na-values {shlex.quote(strange)}; otherwise "
        where = row_in_file(row, kept)
        raise DataError(
            f"column '{name}' is to be numeric, but {where} holds {short(strange)}, which is no number",
            hint=f"{missing}leave '{name}' out of --numeric",
        )
    return _parsed(name, values, kept)


def _parsed(name: str, values: Any, kept: Mask | None) -> Any:
    """Texts that all read as numbers, as integers where all are written so."""
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(values), r"^\+", "")
    if pc.all(pc.match_substring_regex(plain, _INTEGER)).as_py():
        return plain.cast(pa.int64())
    numbers = plain.cast(pa.float64())
    _refuse_infinite(name, numbers, kept, values)
    return numbers


def _refuse_infinite(name: str, numbers: Any, kept: Mask | None, written: Any = None) -> None:
    """Raise DataError for the first number that is not finite: columns of numbers were looked through, these not."""
    if not pa.types.is_floating(numbers.type):
        return
    row = pc.index(pc.is_finite(numbers), False).as_py()
    if row >= 0:
        held = short(str((numbers if written is None else written)[row].as_py()))
        raise DataError(
            f"column '{name}' holds {held} in {row_in_file(row, kept)}; only finite numbers can be used",
            hint="repair these rows or take them out",
        )
