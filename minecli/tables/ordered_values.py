"""The values of one column of numbers, dates or times in their order, made chunk by chunk.

Where few different values occur, they are counted; where many do, the values are gathered and sorted in place. Beyond
the column itself, that takes one copy of its values at most, however long it is; the chunks may come from a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.tables.exactness import stored
from minecli.tables.missing import missing_rows
from minecli.tables.value_kinds import Array, Ties, ValueKind, kind_of

Values = npt.NDArray[Any]

_SLICE_ROWS = 1 << 18
# Of more different values they are sorted.
_MOST_COUNTED = 1 << 12


def is_ordered(type_: Any) -> bool:
    """Whether an Arrow type is one of numbers, booleans, dates or times; decimals are not, for NumPy has none.

    >>> is_ordered(pa.float32()), is_ordered(pa.timestamp("s", "UTC")), is_ordered(pa.string())
    (True, True, False)
    """
    types = pa.types
    temporal = types.is_temporal(type_) and not types.is_interval(type_)
    return bool(temporal or types.is_integer(type_) or types.is_floating(type_) or types.is_boolean(type_))


def slices(column: Any, rows: int | None = None) -> Iterator[Any]:
    """The chunks of a column, long ones in pieces of so many `rows`, or of as many as do not take much memory."""
    most = rows or _SLICE_ROWS
    for chunk in column.chunks:
        for start in range(0, len(chunk), most):
            yield chunk.slice(start, most)


@dataclass(frozen=True)
class Ordered:
    """Values in their order, as Arrow stores them (booleans as 0 and 1). Where there are `counts`, the values are
    different ones, and those tell how often each occurs."""

    values: Values
    counts: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.values) if self.counts is None else int(self.counts.sum())

    @cached_property
    def distinct(self) -> int:
        """How many different values there are, whichever way they are held."""
        if self.counts is not None:
            return len(self.counts)
        return int(Ties.of_sorted(len(self.values), lambda start, stop: self.values[start:stop]).levels)

    def repeated(self) -> Values:
        """All values in their order, shape (n,), each as often as it occurs."""
        return self.values if self.counts is None else np.repeat(self.values, self.counts)

    def as_arrow(self, type_: Any) -> Any:
        """The values, each as often as it is held here, as an Arrow column of a type they were stored as."""
        return pa.chunked_array([as_arrow(self.values, type_)])

    def kind(self, convert: Callable[[Values], Array]) -> ValueKind:
        """The kind of the values as float64, into which `convert` turns them without changing their order."""
        if self.counts is None:

            def block(start: int, stop: int) -> Array:
                return convert(self.values[start:stop])

            return kind_of(Ties.of_sorted(len(self.values), block), block)
        converted = convert(self.values)
        first = np.flatnonzero(np.diff(converted, prepend=np.nan))
        counts, levels = np.add.reduceat(self.counts, first), converted[first]
        ends = np.cumsum(counts)

        def rows(start: int, stop: int) -> Array:
            values: Array = levels[np.searchsorted(ends, np.arange(start, stop), side="right")]
            return values

        return kind_of(Ties.of_counts(counts), rows)


class Tally:
    """Counts the values of a column as its chunks come, and gathers them where they are many.

    `missing` is how many were not there so far, and `infinite` whether an infinite one was.

    >>> tally = Tally()
    >>> tally.add(pa.array([2.0, None, 1.0]))
    >>> tally.add(pa.array([2.0]))
    >>> tally.missing, tally.ordered().values.tolist(), tally.ordered().counts.tolist()
    (1, [1.0, 2.0], [1, 2])
    """

    def __init__(self) -> None:
        self.missing = 0
        self.infinite = False
        self._counted = Ordered(np.zeros(0), np.zeros(0, dtype=np.int64))
        self._many: list[_Part] | None = None

    def add(self, chunk: Any) -> None:
        """Take the values of a chunk of numbers, dates or times."""
        for piece in slices(pa.chunked_array([chunk])):
            values = _present(piece)
            self.missing += len(piece) - len(values)
            self.infinite = self.infinite or (values.dtype.kind == "f" and bool(np.isinf(values).any()))
            # Of the piece there is a copy only where values are missing, and that can be made again.
            self._count(_Part(len(values), partial(_present, piece)), values)

    def add_values(self, values: Values) -> None:
        """Take values that are all there, not many at once."""
        self._count(_Part(len(values), lambda: values), values)

    def _count(self, part: _Part, values: Values) -> None:
        if self._many is not None:
            self._many.append(part)
        elif len(values):
            different, counts = np.unique(values, return_counts=True)
            # There is but one zero.
            self._counted = _merged(self._counted, Ordered(different + 0, counts))
            if len(self._counted.values) > _MOST_COUNTED:
                self._many = [_Part(len(self._counted), self._counted.repeated)]

    def ordered(self) -> Ordered:
        """The values that have come, in their order."""
        if self._many is None:
            return self._counted
        values = np.empty(sum(part.rows for part in self._many), dtype=self._counted.values.dtype)
        end = len(values)
        # Each part is let go as soon as it has been copied: of a stream, nothing else holds it.
        while self._many:
            part = self._many.pop()
            values[end - part.rows : end] = part.values()
            end -= part.rows
        values.sort()
        self._many = [_Part(len(values), lambda: values)]
        return Ordered(values, None)


@dataclass(frozen=True)
class _Part:
    """Some of the values, and how to get them."""

    rows: int
    values: Callable[[], Values]


def _present(piece: Any) -> Values:
    """The values of a piece of a column that are there."""
    absent = missing_rows(pa.chunked_array([piece]))
    return plainly_stored(piece if absent is None else piece.filter(pa.array(~absent)))


def ordered(parts: Iterable[Values]) -> Ordered:
    """Values that are all there, part by part, in their order.

    >>> ordered([np.array([2.0, 1.0]), np.array([2.0])]).distinct
    2
    """
    tally = Tally()
    for part in parts:
        tally.add_values(part)
    return tally.ordered()


def plainly_stored(chunk: Any) -> Values:
    """The values of a chunk in which none is missing, shape (n,), as Arrow stores them, booleans as 0 and 1."""
    values = stored(chunk)
    return values.view(np.uint8) if values.dtype == np.bool_ else values


def as_arrow(values: Values, type_: Any) -> Any:
    """Stored values as an Arrow array again.

    >>> as_arrow(np.array([0, 86_400]), pa.timestamp("s")).cast(pa.date32()).to_pylist()[1].day
    2
    """
    if pa.types.is_boolean(type_):
        return pa.array(values.astype(np.bool_))
    return pa.array(values).view(type_)


def _merged(these: Ordered, those: Ordered) -> Ordered:
    """Two counts in one."""
    if len(these.values) == 0:
        return those
    values, places = np.unique(np.concatenate([these.values, those.values]), return_inverse=True)
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([these.counts, those.counts]))
    return Ordered(values, counts)
