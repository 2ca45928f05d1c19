"""Categories and text: which become 0/1 columns, and what to say of the text that cannot."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import ColumnUse, Kind, Plan, left_out
from minecli.tables.missing import Mask

MAX_LEVELS = 64
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_WITH_COMMA = r"^\s*[-+]?\d[\d.]*,\d[\d,.]*\s*$"


def plan_levels(name: str, column: Any, kind: Kind, kept: Mask | None) -> Plan:
    """The plan of a category or of text: one 0/1 column per level, one in all where there are two levels.

    Raises DataError for too many levels, and for text that is no category.
    """
    values = decoded(column)
    distinct = pc.unique(values)
    count = len(distinct)
    if count == 1:
        return left_out(name, kind, repr(distinct[0].as_py()))
    if kind == "text":
        if (error := _mostly_numbers(name, values, kept)) is not None:
            raise error
        if count > MAX_LEVELS or 2 * count >= len(values):
            raise _not_a_category(name, values, count)
    if count > MAX_LEVELS:
        raise DataError(
            f"column '{name}' is a category with {count} levels; at most {MAX_LEVELS} can be used",
            hint="join rare levels, or store the column as numbers",
        )
    levels = sorted(distinct.to_pylist())
    known = pa.array(levels, type=values.type)
    shown = shown_levels(count)
    names = tuple(f"{name}={levels[i]}" for i in shown)
    encoding = f"1 for '{levels[1]}', 0 for '{levels[0]}'" if count == 2 else f"one-hot, {count} levels"

    def convert(chunk: Any) -> npt.NDArray[np.bool_]:
        plain = decoded(pa.chunked_array([chunk]))
        codes = pc.index_in(plain, value_set=known).to_numpy(zero_copy_only=False)
        return np.stack([codes == i for i in shown], axis=1)

    use = ColumnUse(name, kind, len(names), encoding)
    return Plan(use, names, convert)


def shown_levels(count: int) -> range:
    """Which of the sorted levels have a 0/1 column: all, but of two levels the second alone.

    >>> list(shown_levels(2)), list(shown_levels(3))
    ([1], [0, 1, 2])
    """
    return range(1, 2) if count == 2 else range(count)


def decoded(column: Any) -> Any:
    """A dictionary column as plain values and string views as strings; any other column as it is."""
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    if not pa.types.is_dictionary(column.type):
        return column
    return pa.chunked_array([c.dictionary_decode() for c in column.chunks], type=column.type.value_type)


def _first_strange(values: Any) -> tuple[int, int, str]:
    """How many texts read as numbers, and the first that does not: its row and value (-1, "" for none)."""
    numeric = pc.match_substring_regex(values, _NUMBER)
    row = pc.index(numeric, False).as_py()
    return int(pc.sum(numeric).as_py() or 0), row, values[row].as_py() if row >= 0 else ""


def _mostly_numbers(name: str, values: Any, kept: Mask | None) -> DataError | None:
    """The error of a column of numbers in which a few values are none; used as a category it would lose its order."""
    numeric, row, strange = _first_strange(values)
    if row < 0 or 2 * numeric <= len(values):
        return None
    in_file = row if kept is None else int(np.flatnonzero(kept)[row])
    return DataError(
        f"column '{name}' is text: {numeric} of its {len(values)} values are numbers, "
        f"but row {in_file} (counted from 0) holds {_short(strange)}",
        hint=f"if that means missing: --na-values {shlex.quote(strange)}; "
        "if the numbers are codes, put a letter before each",
    )


def _not_a_category(name: str, values: Any, count: int) -> DataError:
    _, row, strange = _first_strange(values)
    if row < 0:
        return DataError(
            f"column '{name}' is text with {count} distinct values, all of which read as numbers",
            hint="store the column as numbers",
        )
    if pc.match_substring_regex(values[row], _WITH_COMMA).as_py():
        return DataError(
            f"column '{name}' is text: its values are numbers with a comma, as {_short(strange)}",
            hint="numbers need a decimal point and no other mark; for decimal commas: tr , . < FILE | minecli ... -",
        )
    return DataError(
        f"column '{name}' is text with {count} distinct values in {len(values)} rows, as {_short(strange)}, "
        "which cannot be used as a number or category",
        hint=f"a category has at most {MAX_LEVELS} levels, fewer than half the rows; choose another column",
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
