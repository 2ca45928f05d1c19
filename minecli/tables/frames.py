"""Tables in memory, opened like a file's: frames with Arrow's interface, pandas frames, and plain arrays.

Whatever has `__arrow_c_stream__` (polars, pyarrow, DuckDB, ...) is read by it. A pandas frame has it, too, but gives it
all of its columns at once: one of mixed objects, which nobody asked for, would spoil the others. So its columns are
turned into Arrow's one by one, as they are named. Nothing but pyarrow is imported for any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.tables.files.faults import first_line
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.schemas import list_widths

_STREAM, _ARRAY = "__arrow_c_stream__", "__arrow_c_array__"
_SHAPES = "give (n,) or (n, d) values"


def is_frame(data: object) -> bool:
    """Whether `open_frame` takes it: a table, or something that becomes one by Arrow's interface.

    >>> is_frame(pa.table({"a": [1]})), is_frame("a.csv"), is_frame([1.0, 2.0])
    (True, False, False)
    """
    return _of_pandas(data, "DataFrame") or ((hasattr(data, _STREAM) or hasattr(data, _ARRAY)) and not is_series(data))


def is_series(data: object) -> bool:
    """Whether it is one column with a type of its own: a Series, or an array of Arrow's."""
    named = type(data).__name__ == "Series" and hasattr(data, "dtype")
    return named or isinstance(data, pa.Array | pa.ChunkedArray)


def label_of_frame(data: object) -> str:
    """How to speak of a frame.

    >>> label_of_frame(pa.table({"a": [1]}))
    'pyarrow.Table'
    """
    return f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"


def open_frame(frame: Any) -> OpenTable:
    """Open a table in memory. Raises DataError where it is not a table, or a column named has no one type.

    >>> open_frame(pa.table({"a": [1, 2], "b": ["u", "v"]})).names
    ('a', 'b')
    """
    return _open_pandas(frame) if _of_pandas(frame, "DataFrame") else _open_stream(frame)


def open_arrays(sides: Mapping[str, Any]) -> OpenTable:
    """Open arrays as one table with the columns x0, x1, ... of the array `sides["x"]`, and so on.

    An array is (n, d), or (n,) for one column, and may hold numbers, whole numbers or labels; all must have n rows.
    Numbers with a fraction become float64. Raises UsageError for other shapes and types.

    >>> open_arrays({"x": np.zeros((4, 2)), "z": ["u", "v", "u", "v"]}).names
    ('x0', 'x1', 'z0')
    """
    columns: dict[str, Any] = {}
    rows: dict[str, int] = {}
    for side, values in sides.items():
        found = _columns_of(side, values)
        columns |= {f"{side}{i}": column for i, column in enumerate(found)}
        rows[side] = len(found[0])
    if len(set(rows.values())) > 1:
        listed = " and ".join(f"{side} has {count} rows" for side, count in rows.items())
        raise UsageError(listed, hint="row i of x belongs to row i of z")
    table = pa.table(columns)
    return OpenTable("arrays", "arrays", tuple(columns), lambda names: table.select(list(names)))


def _of_pandas(data: object, kind: str) -> bool:
    """Whether it is a DataFrame or Series of pandas, or a subclass, without importing pandas for the question."""
    return any(c.__name__ == kind and c.__module__.partition(".")[0] == "pandas" for c in type(data).__mro__)


def _open_stream(frame: Any) -> OpenTable:
    label = label_of_frame(frame)
    try:
        if hasattr(frame, _STREAM):
            reader = pa.RecordBatchReader.from_stream(frame)
        else:
            batch = pa.record_batch(frame)
            reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{label} is no table: {first_line(error)}", hint="give a table with named columns") from error
    schema = reader.schema

    def read(columns: Sequence[str]) -> Any:
        wanted = pa.schema([schema.field(name) for name in columns])
        try:
            batches = [batch.select(list(columns)) for batch in reader]
        except pa.ArrowException as error:
            raise DataError(f"cannot read {label}: {first_line(error)}") from error
        return pa.Table.from_batches(batches, wanted)

    return OpenTable.of_schema(label, "frame", schema, read, once=True)


def _open_pandas(frame: Any) -> OpenTable:
    label = label_of_frame(frame)
    columns: list[tuple[str, Callable[[], Any]]] = [
        (str(name), partial(_column, frame, i)) for i, name in enumerate(frame.columns)
    ]
    index = _index_of(frame, {name for name, _ in columns})
    series: dict[str, Callable[[], Any]] = dict([*columns, *index])
    lists = {name: width for name, get in columns if (width := _width_of_lists(get())) is not _NO_LISTS}

    def read(names: Sequence[str]) -> Any:
        return pa.table({name: _arrow_column(label, name, series[name]()) for name in names})

    names = tuple(name for name, _ in [*columns, *index])
    return OpenTable(label, "frame", names, read, index=tuple(name for name, _ in index), lists=lists)


def _index_of(frame: Any, taken: set[str]) -> list[tuple[str, Callable[[], Any]]]:
    """The levels of an index that says more than the number of a row, under the names that a file would give them."""
    if type(frame.index).__name__ == "RangeIndex":
        return []
    found: list[tuple[str, Callable[[], Any]]] = []
    for i, name in enumerate(frame.index.names):
        called = f"__index_level_{i}__" if name is None else str(name)
        if called not in taken:
            found.append((called, partial(frame.index.get_level_values, i)))
    return found


def _column(frame: Any, place: int) -> Any:
    return frame.iloc[:, place]


_NO_LISTS = object()


def _width_of_lists(series: Any) -> Any:
    """The width of the lists that a column of pandas holds, None where only the rows tell; _NO_LISTS for others."""
    arrow = getattr(series.dtype, "pyarrow_dtype", None)
    if arrow is not None:
        return list_widths(pa.schema([("lists", arrow)])).get("lists", _NO_LISTS)
    if series.dtype != object:
        return _NO_LISTS
    place = series.first_valid_index()
    first = None if place is None else series.loc[place]
    return None if isinstance(first, list | tuple | np.ndarray) else _NO_LISTS


def _arrow_column(label: str, name: str, values: Any) -> Any:
    """A column of pandas, or of any values, as one of Arrow's; missing values become null."""
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        said = first_line(error)
        raise DataError(
            f"column '{name}' of {label} has no one type: {said}", hint="make all of its values numbers, or all text"
        ) from error
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _columns_of(side: str, values: Any) -> list[Any]:
    """The columns of one side's array."""
    if values is None:
        raise UsageError(f"{side} is missing", hint="minecli.estimate(x=array, z=array), or name columns of a table")
    if is_frame(values):
        table = open_frame(values)
        names = [name for name in table.names if name not in table.index]
        columns = list(table.read(names).columns)
    elif is_series(values):
        typed = _of_pandas(values, "Series") or not hasattr(values, _STREAM)
        columns = [_arrow_column("arrays", side, values) if typed else pa.chunked_array(values)]
    else:
        array = _as_numpy(side, values)
        columns = [_arrow_column("arrays", f"{side}{i}", array[:, i]) for i in range(array.shape[1])]
    if not columns or not len(columns[0]):
        raise DataError(f"{side} is empty", hint="give at least two rows and a column")
    return columns


def _as_numpy(side: str, values: Any) -> Any:
    """Anything that NumPy takes for an array of numbers or labels, as (n, d); numbers with a fraction as float64."""
    if hasattr(values, "detach"):  # a tensor of torch, on whatever device and with whatever gradient
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    if isinstance(values, np.ma.MaskedArray):
        masked: Any = values.astype(np.float64)
        values = masked.filled(np.nan)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"{side} is no array: {first_line(error)}", hint=_SHAPES) from None
    if array.dtype.kind in "cV" or array.ndim == 0:
        what = type(values).__name__ if array.ndim == 0 else f"an array of {array.dtype}"
        raise UsageError(f"{side} is {what}; it must be an array of numbers or labels", hint=_SHAPES)
    if array.ndim > 2:
        hint = f"{side}.reshape(len({side}), -1) makes one row of each"
        raise UsageError(f"{side} has the shape {array.shape}; it must be (n,) or (n, d)", hint=hint)
    if array.dtype.kind == "f":
        array = array.astype(np.float64, copy=False)
    array = array[:, None] if array.ndim == 1 else array
    return array.astype(object) if array.dtype.kind in "OUST" else array
