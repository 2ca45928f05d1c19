"""Categories and text: which become 0/1 columns, and what to say of the text that cannot."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.columns import typed
from minecli.tables.kinds import ColumnUse, Kind, Plan, decoded, left_out
from minecli.tables.labels import MOST_CLASSES, refuse_many, too_many
from minecli.tables.missing import Mask
from minecli.tables.text_numbers import first_strange, row_in_file, short

MAX_LEVELS = 64
_WITH_COMMA = r"^\s*[-+]?\d[\d.]*,\d[\d,.]*\s*$"


def plan_levels(name: str, column: Any, kind: Kind, kept: Mask | None, asked: bool = False) -> Plan:
    """The plan of labels: one 0/1 column per level, one in all where there are two levels. `asked` is whether somebody
    said that they are labels; otherwise they are a category or text.

    Raises DataError for too many levels, and for text that is no category.
    """
    values = decoded(column)
    distinct = pc.unique(values)
    count = len(distinct)
    if count == 1:
        return left_out(name, kind, repr(distinct[0].as_py()))
    if asked:
        # A category of few levels needs no permission.
        if count > MAX_LEVELS or not pa.types.is_dictionary(column.type):
            refuse_many(name, count, len(values))
    else:
        _refuse_unasked(name, values, count, kind, kept)
    levels = sorted(distinct.to_pylist())
    known = pa.array(levels, type=values.type)
    shown = shown_levels(count)
    names = tuple(f"{name}={levels[i]}" for i in shown)
    encoding = f"1 for '{levels[1]}', 0 for '{levels[0]}'" if count == 2 else f"one-hot, {count} levels"

    def convert(chunk: Any) -> npt.NDArray[np.bool_]:
        plain = decoded(pa.chunked_array([chunk]))
        codes = pc.index_in(plain, value_set=known).to_numpy(zero_copy_only=False)
        return np.stack([codes == i for i in shown], axis=1)

    use = ColumnUse(name, kind, len(names), encoding, count)
    return Plan(use, names, convert)


def shown_levels(count: int) -> range:
    """Which of the sorted levels have a 0/1 column: all, but of two levels the second alone.

    >>> list(shown_levels(2)), list(shown_levels(3))
    ([1], [0, 1, 2])
    """
    return range(1, 2) if count == 2 else range(count)


def _refuse_unasked(name: str, values: Any, count: int, kind: Kind, kept: Mask | None) -> None:
    """Raise DataError for what is used as labels only where somebody asks for it."""
    if kind == "text":
        if (error := _mostly_numbers(name, values, count, kept)) is not None:
            raise error
        if count > MAX_LEVELS or 2 * count >= len(values):
            raise _not_a_category(name, values, count)
    if count > MAX_LEVELS:
        more = not too_many(count, len(values))
        hint = f"to use them all: --categorical {typed([name])}" if more else "join rare levels"
        raise DataError(
            f"column '{name}' is a category with {count} levels; at most {MAX_LEVELS} can be used unasked",
            hint=hint,
        )


def _mostly_numbers(name: str, values: Any, count: int, kept: Mask | None) -> DataError | None:
    """The error of a column of numbers in which a few values are none; used as a category it would lose its order."""
    numeric, row, strange = first_strange(values)
    if row < 0 or 2 * numeric <= len(values):
        return None
    codes = "" if too_many(count, len(values)) else f"; if the numbers are codes: --categorical {typed([name])}"
    return DataError(
        f"column '{name}' is text: {numeric} of its {len(values)} values are numbers, "
        f"but {row_in_file(row, kept)} holds {short(strange)}",
        hint=f"if that means missing: --na-values {shlex.quote(strange)}{codes}",
    )


def _not_a_category(name: str, values: Any, count: int) -> DataError:
    _, row, strange = first_strange(values)
    if row < 0:
        return DataError(
            f"column '{name}' is text with {count} distinct values, all of which read as numbers",
            hint=f"if they are numbers: --numeric {typed([name])}",
        )
    if pc.match_substring_regex(values[row], _WITH_COMMA).as_py():
        return DataError(
            f"column '{name}' is text: its values are numbers with a comma, as {short(strange)}",
            hint="numbers need a decimal point and no other mark; for decimal commas: tr , . < FILE | minecli ... -",
        )
    limits = f"text has at most {MAX_LEVELS} levels, fewer than half the rows"
    more = f"up to {MOST_CLASSES:,} with --categorical {typed([name])}"
    return DataError(
        f"column '{name}' is text with {count} distinct values in {len(values)} rows, as {short(strange)}, "
        "which cannot be used as a number or category",
        hint=f"{limits}; {'choose another column' if too_many(count, len(values)) else more}",
    )
