"""Values that float64 cannot hold: integers beyond 2^53, decimals of many digits, times of nanoseconds.

Whether a column is constant is told from its values as they are stored. Integers beyond 2^53 that lie close together
are used as the differences to their minimum, which changes no mutual information and is exact. Where different values
become one float64 all the same, it is said how many; where all do, the column is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.value_kinds import levels

Values = npt.NDArray[Any]
Convert = Callable[[Any], Values]

MOST = 2**53


def stored(chunk: Any) -> Values:
    """The values of one chunk of numbers, shape (n,), as Arrow stores them: dates and times as integers.

    >>> stored(pa.array([5, 7], pa.timestamp("s"))).tolist()
    [5, 7]
    """
    types, type_ = pa.types, chunk.type
    if types.is_temporal(type_):
        chunk = chunk.view(pa.int32() if types.is_date32(type_) or types.is_time32(type_) else pa.int64())
    values: Values = chunk.to_numpy(zero_copy_only=False)
    return values


def ends(column: Any) -> tuple[Any, Any]:
    """The least and the greatest value of a column of numbers, dates or times, as stored.

    >>> ends(pa.chunked_array([[2**60, 2**60 + 1]])) == (2**60, 2**60 + 1)
    True
    """
    if pa.types.is_decimal(column.type):
        both = pc.min_max(wide(column)).as_py()
        return both["min"], both["max"]
    parts = [stored(chunk) for chunk in column.chunks if len(chunk)]
    return min(part.min() for part in parts).item(), max(part.max() for part in parts).item()


def beyond(low: int, high: int) -> bool:
    """Whether float64 skips some of the integers from `low` to `high`.

    >>> beyond(-3, 2**53), beyond(-(2**53) - 1, 0)
    (False, True)
    """
    return low < -MOST or high > MOST


def close(low: int, high: int) -> bool:
    """Whether the differences of integers beyond 2^53 to their minimum are exact in float64, unlike themselves.

    >>> close(2**60, 2**60 + 5), close(0, 5), close(-(2**63), 2**63 - 1)
    (True, False, False)
    """
    return beyond(low, high) and high - low <= MOST


def difference(least: int) -> Convert:
    """What turns a chunk of integers into their differences to `least`, none of which overflows."""

    def convert(chunk: Any) -> Values:
        values = stored(chunk)
        differences: Values = values - values.dtype.type(least)
        return differences

    return convert


def rounding(name: str, column: Any, low: Any, high: Any, convert: Convert) -> tuple[str, ...]:
    """What to say of a column with the given ends whose values `convert` turns into other float64 than they are.

    Raises DataError where all of the different values become one.

    >>> rounding("c", pa.chunked_array([[0, 2**53, 2**53 + 1]]), 0, 2**53 + 1, stored)
    ("column 'c' holds integers beyond 2^53, which float64 rounds: of 3 different values 2 remain",)
    """
    type_ = column.type
    if not _may_merge(column, low, high, convert):
        return ()
    if pa.types.is_integer(type_):
        what = "integers beyond 2^53, which float64 rounds"
    elif pa.types.is_decimal(type_):
        what = "decimals of more digits than float64 has"
    else:
        what = "times that lie closer together than float64 can tell"
    different, left = _different(column, convert)
    if left == 1:
        raise cannot_tell(f"column '{name}'", different, low, column.type)
    if left < different:
        what += f": of {different:,} different values {left:,} remain"
    elif not pa.types.is_integer(type_):
        return ()
    return (f"column '{name}' holds {what}",)


def cannot_tell(what: str, different: int, least: Any, type_: Any) -> DataError:
    """The error of different values that all become one float64."""
    temporal = pa.types.is_temporal(type_)
    return DataError(
        f"{what} holds {different:,} different values, which float64 cannot tell apart: all become one number",
        hint="use the time since the first of them" if temporal else f"subtract the least, {least}, from all of them",
    )


def _may_merge(column: Any, low: Any, high: Any, convert: Convert) -> bool:
    """Whether two different values may become one float64, told from the ends alone."""
    type_ = column.type
    if pa.types.is_integer(type_):
        return beyond(low, high)
    if pa.types.is_decimal(type_):
        step, most = 10.0**-type_.scale, float(max(abs(low), abs(high)))
    elif pa.types.is_temporal(type_):
        storage = pa.int32() if type_.bit_width == 32 else pa.int64()
        zero, one, *both = convert(pa.array([0, 1, low, high], storage).view(type_)).tolist()
        step, most = one - zero, max(map(abs, both))
        if str(type_).startswith("timestamp[ns") and all(not np.any(stored(c) % 1000) for c in column.chunks):
            # Most clocks give no more than microseconds.
            step *= 1000
    else:
        return False
    # Twice, because the conversion rounds as well.
    return bool(2.0 * np.spacing(most) > step)


def _different(column: Any, convert: Convert) -> tuple[int, int]:
    """How many different values there are, and how many different float64 they become."""
    if pa.types.is_decimal(column.type):
        distinct = pc.unique(wide(column))
        return len(distinct), len(np.unique(convert(distinct)))
    values = np.concatenate([stored(chunk) for chunk in column.chunks])
    return levels(values), levels(convert(pa.array(values).view(column.type)).astype(np.float64))


def wide(column: Any) -> Any:
    """Decimals in a width with which Arrow computes."""
    type_ = column.type
    return column if type_.bit_width >= 128 else column.cast(pa.decimal128(type_.precision, type_.scale))


def least_entries(name: str, column: Any, entries: Convert, exact_shift: bool) -> tuple[Values | None, tuple[str, ...]]:
    """What to subtract from the `entries` of lists of integers, each from its own, shape (entries,), and what to say of
    them; None where all are exact as they are.

    Raises DataError where different values of an entry all become one float64.
    """
    parts = [entries(chunk) for chunk in column.chunks if len(chunk)]
    least = np.min([part.min(axis=0) for part in parts], axis=0)
    most = np.max([part.max(axis=0) for part in parts], axis=0)
    ranges = list(zip(least.tolist(), most.tolist(), strict=True))
    if not any(beyond(low, high) for low, high in ranges):
        return None, ()
    shifted = np.array([exact_shift and low < high and close(low, high) for low, high in ranges])
    remarks: list[str] = []
    for place, (low, high) in enumerate(ranges):
        if low < high and not shifted[place]:
            entry = pa.chunked_array([np.ascontiguousarray(part[:, place]) for part in parts])
            remarks.extend(rounding(f"{name}[{place}]", entry, low, high, stored))
    if not shifted.any():
        return None, tuple(remarks)
    said = f"entries of '{name}' hold integers beyond 2^53: used as the differences to their minima, exactly"
    return np.where(shifted, least, np.zeros_like(least)), (f"{int(shifted.sum())} {said}", *remarks)
