"""Columns used as labels because somebody said so, and classes to be predicted: which values can be such."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.exactness import wide
from minecli.tables.kinds import Column, plain_value

# Of labels that were asked for; text that was not is a category up to `levels.MAX_LEVELS`.
MOST_CLASSES = 1000


def too_many(count: int, rows: int) -> bool:
    """Whether so many levels are too many for so many rows.

    >>> too_many(1000, 2000), too_many(1001, 10**6), too_many(6, 11)
    (False, True, True)
    """
    return count > MOST_CLASSES or 2 * count > rows


def as_labels(column: Column) -> Column:
    """A column without missing values as labels, of the kind text or category: integers, booleans, words and categories
    as they are, numbers that happen to be written with decimals as integers, dates and times as text.

    Raises DataError for lists, for numbers that are not whole, and for too many dates and times.

    >>> labels = as_labels(Column.of("shop", pa.chunked_array([[2.0, 1.0, 1.0, 2.0]])))
    >>> labels.kind, labels.values.to_pylist()
    ('category', [2, 1, 1, 2])
    """
    name, values = column.name, column.values
    if column.kind == "list":
        raise DataError(
            f"column '{name}' holds lists, which are no labels; --categorical takes whole numbers and words",
            hint=f"leave '{name}' out of --categorical: each entry is a number of its own",
        )
    if column.kind == "float":
        values = whole_numbers(name, values, "labels", f"leave '{name}' out of --categorical to use it as a number")
    elif column.kind in ("date", "seconds"):
        refuse_many(name, len(pc.unique(values)), len(values))
        return column.holding(worded(values))
    return replace(column, values=values, kind="text" if column.kind == "text" else "category")


def refuse_many(name: str, count: int, rows: int) -> None:
    """Raise DataError where a column asked for as labels has too many."""
    if count > 1 and too_many(count, rows):
        raise DataError(
            f"column '{name}' has {count:,} levels in {rows:,} rows; labels may have at most {MOST_CLASSES:,}, "
            "and half as many as rows",
            hint=f"leave '{name}' out of --categorical, or join rare levels",
        )


def whole_numbers(name: str, values: Any, noun: str, hint: str) -> Any:
    """Numbers that happen to be written with decimals, as whole ones.

    Raises DataError, in which they are called by `noun`, for any that is not whole; the `hint` says what to do then.
    """
    if pa.types.is_float16(values.type):
        # There is no rounding of these in Arrow.
        values = values.cast(pa.float32())
    if pa.types.is_decimal(values.type):
        values = wide(values)
    odd = pc.index(pc.equal(values, pc.floor(values)), False).as_py()
    if odd >= 0:
        raise DataError(f"column '{name}' holds {values[odd].as_py():g}; {noun} are whole numbers or words", hint=hint)
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(
            f"column '{name}' holds numbers of 20 digits and more, which are no {noun}",
            hint="name a column of words or whole numbers",
        ) from None


def worded(values: Any) -> Any:
    """Dates and times as text.

    >>> worded(pa.chunked_array([[0, 1, 0]]).cast(pa.timestamp("s"))).to_pylist()[1:]
    ['1970-01-01 00:00:01', '1970-01-01 00:00:00']
    """
    distinct = pc.unique(values)
    words = pa.array([str(plain_value(value)) for value in distinct], pa.string())
    places = [pc.index_in(chunk, value_set=distinct) for chunk in values.chunks]
    return pa.chunked_array([words.take(each) for each in places], pa.string())
