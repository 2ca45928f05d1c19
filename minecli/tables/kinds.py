"""What a column is: its kind, decided once, with its values; what it is used as, and the plan for making that."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Plain = float | int | str | bool
Kind = Literal["float", "integer", "boolean", "date", "seconds", "category", "text", "list"]
Asked = Literal["labels", "number"]
# Integers of no more levels may be labels; more than two of them, that is, for of two it makes no difference.
FEW_LEVELS = 20
# By the units in which Arrow stores times.
UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class Column:
    """One column of a file on its way into an array: its name, its Arrow `values`, and what they are.

    The `kind` is decided here and nowhere else: by the type of the values, and where a person `asked` for labels or for
    a number, by what `asked_kinds.as_asked` made of them. `rows` is a mask over the rows of the file, true for those
    whose values these are, so that a message can name a row there; None means all.
    """

    name: str
    values: Any
    kind: Kind
    asked: Asked | None = None
    rows: Mask | None = None

    @classmethod
    def of(cls, name: str, values: Any, asked: Asked | None = None, rows: Mask | None = None) -> Column:
        """A column whose kind its Arrow type tells. Raises DataError for types that hold no numbers or categories.

        >>> Column.of("a", pa.chunked_array([[1.5, 2.5]])).kind
        'float'
        """
        return cls(name, values, column_kind(name, values.type), asked, rows)

    def holding(self, values: Any) -> Column:
        """The same column with other values in its rows, whose type tells the kind. Raises what `of` raises."""
        return Column.of(self.name, values, self.asked, self.rows)

    def decoded(self) -> Column:
        """The column with plain values where it was a category or string views. Raises what `of` raises."""
        return self.holding(decoded(self.values))

    def place(self, row: int) -> str:
        """The words for the row of the file in which the value stands that is at `row` here.

        >>> Column.of("a", pa.chunked_array([[7, 8]]), rows=np.array([False, True, True])).place(1)
        'row 2 (counted from 0)'
        """
        return f"row {row if self.rows is None else int(np.flatnonzero(self.rows)[row])} (counted from 0)"


@dataclass(frozen=True)
class ColumnUse:
    """How one column of the file stands in the array: its name, kind, number of array columns, and encoding
    in words.

    A `width` of 0 means that the column is constant and was left out. `levels` is the number of different values of a
    column that is used as labels, and of integers that are used as numbers though they have at most FEW_LEVELS, could
    be labels, and nobody has said what they are.
    """

    name: str
    kind: Kind
    width: int
    encoding: str
    levels: int | None = None

    @property
    def perhaps_labels(self) -> bool:
        """Whether these are numbers that may well be labels, which would make a difference."""
        return self.kind == "integer" and self.levels is not None and self.levels > 2


@dataclass(frozen=True)
class Plan:
    """What one column becomes. `convert` turns a chunk without missing values into a block, (rows, width) or (rows,).

    `constant` is the one value of a column that was left out, in words; `remarks` are for the person.
    """

    use: ColumnUse
    names: tuple[str, ...]
    convert: Callable[[Any], npt.NDArray[Any]]
    constant: str | None = None
    remarks: tuple[str, ...] = ()


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is a list, of fixed or varying length, or a tensor stored as one."""
    if isinstance(kind, pa.BaseExtensionType):
        return is_list(kind.storage_type)
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def column_kind(name: str, type_: Any) -> Kind:
    """The kind of a column from its Arrow type. Raises DataError for types that hold no numbers or
    categories.

    >>> column_kind("a", pa.float32()), column_kind("b", pa.list_(pa.float64(), 3))
    ('float', 'list')
    """
    types = pa.types
    if is_list(type_):
        inner = (type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_).value_type
        if types.is_floating(inner) or types.is_integer(inner) or types.is_boolean(inner) or types.is_null(inner):
            return "list"
    elif types.is_floating(type_) or types.is_decimal(type_) or types.is_null(type_):
        return "float"
    elif types.is_integer(type_):
        return "integer"
    elif types.is_boolean(type_):
        return "boolean"
    elif types.is_date(type_) or types.is_timestamp(type_):
        return "date"
    elif types.is_time(type_) or types.is_duration(type_):
        return "seconds"
    elif types.is_dictionary(type_):
        if not types.is_nested(type_.value_type) and not is_bytes(type_.value_type):
            return "category"
    elif types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return "text"
    if is_bytes(type_):
        raise DataError(
            f"column '{name}' holds bytes, not UTF-8 text, which cannot be used as a number or category",
            hint="name the encoding of a text file, as in --encoding latin-1",
        )
    raise DataError(
        f"column '{name}' has the type {type_}, which cannot be used as a number or category",
        hint="choose another column, or take numbers out of this one first",
    )


def is_bytes(type_: Any) -> bool:
    """Whether an Arrow type holds bytes, of fixed or varying length."""
    types = pa.types
    return bool(
        types.is_binary(type_)
        or types.is_large_binary(type_)
        or types.is_fixed_size_binary(type_)
        or types.is_binary_view(type_)
    )


def filterable(column: Any) -> Any:
    """String views, as polars has them, as strings, for Arrow can filter no views; any other column as it is.

    >>> filterable(pa.array(["u"], pa.string_view())).type == pa.large_string()
    True
    """
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column


def decoded(column: Any) -> Any:
    """A dictionary column, or a chunk of one, as plain values, and string views as strings; any other as it is.

    >>> decoded(pa.array(["u", "v", "u"]).dictionary_encode()).to_pylist()
    ['u', 'v', 'u']
    """
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    if not pa.types.is_dictionary(column.type):
        return column
    if isinstance(column, pa.Array):
        return _decoded_chunk(column)
    chunks = [_decoded_chunk(chunk) for chunk in column.chunks]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([], type=column.type.value_type)


def _decoded_chunk(chunk: Any) -> Any:
    values = chunk.dictionary
    # Arrow can neither take string views nor look up float16.
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    elif pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    return values.take(chunk.indices)


def left_out(name: str, kind: Kind, value: str) -> Plan:
    """The plan of a constant column: no array column at all. `value` is what it holds, in words."""
    use = ColumnUse(name, kind, 0, f"left out: constant, holds only {value}")
    return Plan(use, (), lambda chunk: np.empty((len(chunk), 0)), constant=value)


def plain_value(scalar: Any) -> Plain:
    """An Arrow scalar that is there as a plain value; times as ISO text, made without a time-zone database.

    >>> plain_value(pa.scalar(86_400, pa.timestamp("s", "Asia/Tokyo"))), plain_value(pa.scalar(2.5))
    ('1970-01-02 00:00:00', 2.5)
    """
    if pa.types.is_timestamp(scalar.type):
        return str(pa.scalar(scalar.value, pa.timestamp(scalar.type.unit)).cast(pa.string()).as_py())
    if pa.types.is_duration(scalar.type):
        return f"{scalar.value} {scalar.type.unit}"
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError):
        # Python knows no date beyond the year 9999, and no time of nanoseconds.
        return str(scalar.cast(pa.string()).as_py())
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value if isinstance(value, float | int | str | bool) else str(value)
