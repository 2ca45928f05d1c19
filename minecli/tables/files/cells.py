"""Cells that each have a type of their own -> Arrow columns: what databases and workbooks hold.

    whole numbers                int64
    numbers                      float64
    truths                       bool
    dates                        date32, or a timestamp where some have a time of day
    times, spans of time         time64, duration
    bytes                        binary
    text                         string
    several of these             string: a number with the shortest text that tells it from all others

None is a missing cell wherever it stands. Nothing is lost: whole numbers among fractions that float64 cannot hold, and
bytes among other things, are an error.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from minecli.errors import DataError
from minecli.tables.exactness import MOST

_TYPES: dict[type | None, Any] = {
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime.date: pa.date32(),
    datetime.datetime: pa.timestamp("us"),
    datetime.time: pa.time64("us"),
    datetime.timedelta: pa.duration("us"),
    bytes: pa.binary(),
    str: pa.string(),
    None: pa.null(),
}
# Where cells are of these types, all can be taken as the last one.
_WIDENING = ((int, float), (datetime.date, datetime.datetime))


class CellColumn:
    """A column that grows batch by batch; its type is settled when all are there.

    >>> column = CellColumn("a")
    >>> column.add([1, None])
    >>> column.add([2.5])
    >>> column.finish().to_pylist()
    [1.0, None, 2.5]
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._seen: set[type] = set()
        self._chunks: list[Any] = []

    def add(self, cells: Sequence[Any]) -> None:
        """Append cells.

        Raises DataError where bytes stand beside other things, and where whole numbers stand beside fractions and are
        too large for float64 to hold.
        """
        here = set(map(type, cells)) - {type(None)}
        self._seen |= here
        if bytes in self._seen and len(self._seen) > 1:
            raise DataError(
                f"column '{self.name}' holds bytes in some rows and {_other(self._seen)} in others",
                hint="choose another column",
            )
        common = _common(here)
        change = _CHANGES.get(common) if len(here) > 1 else None
        with self._exact():
            self._chunks.append(pa.array(map(change, cells) if change else cells, _TYPES[common]))

    def finish(self) -> Any:
        """The whole column as a chunked Arrow array. Raises DataError as `add` does."""
        common = _common(self._seen)
        type_ = _TYPES[common]
        if common is str:
            chunks: Iterable[Any] = (_as_text(chunk) for chunk in self._chunks)
        else:
            chunks = (chunk.cast(type_) for chunk in self._chunks)
        with self._exact():
            return pa.chunked_array(list(chunks), type=type_)

    @contextlib.contextmanager
    def _exact(self) -> Iterator[None]:
        try:
            yield
        except pa.ArrowInvalid as error:
            raise DataError(
                f"column '{self.name}' holds fractions, and whole numbers beyond 2^53, which float64 cannot hold",
                hint="choose another column",
            ) from error


def _moment(cell: Any) -> Any:
    """A date as its midnight."""
    return datetime.datetime.combine(cell, datetime.time()) if type(cell) is datetime.date else cell


def _common(types: set[type]) -> type | None:
    """The type that cells of these can all be taken as; None where there are none."""
    if len(types) < 2:
        return next(iter(types), None)
    return next((pair[-1] for pair in _WIDENING if types == set(pair)), str)


def _other(types: set[type]) -> str:
    return "text" if str in types else "numbers" if types & {int, float} else "other things"


def _as_text(chunk: Any) -> Any:
    if pa.types.is_string(chunk.type):
        return chunk
    return pa.array(map(cell_text, chunk.to_pylist()), pa.string())


def cell_text(cell: Any) -> str | None:
    """A cell as text; whole numbers alike, whether they are stored as fractions or not.

    >>> cell_text(3.0), cell_text(3), cell_text(0.1), cell_text(True)
    ('3', '3', '0.1', 'TRUE')
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= MOST:
        return str(int(cell))
    return str(cell)


# What becomes of cells that are not yet of the type that they have in common.
_CHANGES: dict[type | None, Callable[[Any], Any]] = {str: cell_text, datetime.datetime: _moment}
