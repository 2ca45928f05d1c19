"""The summaries of many short columns, those of one type at once: for each exactly what `describe` says of it, without
its dozens of calls a column.

What a column of numbers becomes depends on its type and on whether it varies, and what one of text becomes on its
levels. So `plan_column` is asked once for each of these, and the columns of which that is not all there is to say are
described one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.arrays import numbers, plan_column
from minecli.tables.asked_kinds import AskedKinds
from minecli.tables.column_summary import ColumnSummary, Extreme, describe, of_no_use, perhaps_labels, summary
from minecli.tables.exactness import MOST
from minecli.tables.kinds import Column, ColumnUse, Mask, plain_value
from minecli.tables.levels import MAX_LEVELS
from minecli.tables.number_like import spelling
from minecli.tables.ordered_values import Values, as_arrow, is_ordered, plainly_stored
from minecli.tables.type_words import type_words
from minecli.tables.value_kinds import LONG, ValueKind, kinds_of_columns

# So many bytes are summarised together; a table with more rows than LONG has no short columns.
_BLOCK_BYTES = 4 << 20
_BLOCK_COLUMNS = 1 << 12
# Arrow's arrays of text hold no more than twice that; a few columns may be far longer than the others.
_MOST_BYTES = 1 << 30


def describe_all(table: Any, asked: AskedKinds) -> list[ColumnSummary]:
    """Summarise the columns of an Arrow table with at least one row.

    >>> table = pa.table({"a": [1, 2, 3], "b": [4, None, 5], "c": [[1], [2], [3]]})
    >>> [(c.name, c.missing, c.maximum) for c in describe_all(table, AskedKinds())]
    [('a', 0, 3), ('b', 1, 5), ('c', 0, None)]
    """
    alike: dict[Any, list[int]] = {}
    summaries: dict[int, ColumnSummary] = {}
    for place, (name, type_) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        if table.num_rows < LONG and (is_ordered(type_) or _is_text(type_)) and not asked.of(name):
            alike.setdefault(type_, []).append(place)
        else:
            summaries[place] = describe(name, table.column(place), asked.of(name))
    for type_, places in alike.items():
        work = _Texts(type_) if _is_text(type_) else _Numbers(type_)
        for here, part in _blocks(table, places):
            each = work.describe if part.nbytes <= _MOST_BYTES else partial(map, describe)
            summaries.update(zip(here, each(part.column_names, part.columns), strict=True))
    return [summaries[place] for place in range(table.num_columns)]


def _is_text(type_: Any) -> bool:
    held = type_.value_type if pa.types.is_dictionary(type_) else type_
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))


def _blocks(table: Any, places: Sequence[int]) -> Iterator[tuple[Sequence[int], Any]]:
    """The columns at these places, as many at a time as take little memory."""
    for start in range(0, len(places), _BLOCK_COLUMNS):
        here = places[start : start + _BLOCK_COLUMNS]
        part = table.select(here).combine_chunks()
        most = max(1, len(here) * _BLOCK_BYTES // max(part.nbytes, 1))
        for first in range(0, len(here), most):
            last = min(first + most, len(here))
            yield here[first:last], part.select(range(first, last))


@dataclass(frozen=True)
class _Stack:
    """Columns of one length as rows of a matrix, each in its order with the missing values last; `rows` is how many
    values each has that are there."""

    values: Values
    rows: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Values, absent: Mask | None) -> _Stack:
        """The stack of columns that are the rows of `values`, where those that are `absent` may be anything."""
        if absent is None:
            return cls(np.sort(values, axis=1), np.full(len(values), values.shape[1]))
        last = np.nan if values.dtype.kind == "f" else np.iinfo(values.dtype).max
        filled = np.where(absent, values.dtype.type(last), values)
        filled.sort(axis=1)
        return cls(filled, np.count_nonzero(~absent, axis=1))

    @property
    def missing(self) -> list[int]:
        """How many values each column lacks."""
        lacking: list[int] = (self.values.shape[1] - self.rows).tolist()
        return lacking

    @cached_property
    def distinct(self) -> npt.NDArray[np.int64]:
        """How many different values each column has."""
        changes = self.values[:, 1:] != self.values[:, :-1]
        changes &= np.arange(1, self.values.shape[1]) < self.rows[:, None]
        distinct: npt.NDArray[np.int64] = np.count_nonzero(changes, axis=1) + (self.rows > 0)
        return distinct

    def ends(self, values: Values) -> tuple[Values, Values]:
        """The least and the greatest value of each column; anything where there is none. `values` are those of the
        stack, or what they were turned into."""
        return values[:, 0], values[np.arange(len(values)), np.maximum(self.rows - 1, 0)]


class _Numbers:
    """Columns of one type of numbers, dates or times."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._words = type_words(type_)
        self._use: ColumnUse | None = None
        self._constant: dict[bytes, ColumnUse] = {}

    def describe(self, names: Sequence[str], columns: Sequence[Any]) -> Iterator[ColumnSummary]:
        """The summaries of some columns."""
        stack = self._stack(columns)
        low, high = (end + 0 for end in stack.ends(stack.values))
        extremes = list(zip(_plain(low, self._type), _plain(high, self._type), strict=True))
        infinite = np.isinf(low) | np.isinf(high) if low.dtype.kind == "f" else np.zeros(len(low), dtype=np.bool_)
        kinds = self._kinds(stack, infinite)
        rows, distinct, missing = stack.rows.tolist(), stack.distinct.tolist(), stack.missing
        for i, name in enumerate(names):
            if rows[i] == 0 or infinite[i]:
                use = of_no_use(name, "holds infinite values" if rows[i] else "no values")
            elif kinds[i] is not None:
                use = perhaps_labels(self._varying(low[i], high[i]), distinct[i], rows[i])
            elif distinct[i] == 1:
                use = self._left_out(low[i])
            else:
                yield describe(name, columns[i])
                continue
            ends = extremes[i] if rows[i] else (None, None)
            yield summary(name, self._words, missing[i], distinct[i], ends, (use, kinds[i]))

    def _stack(self, columns: Sequence[Any]) -> _Stack:
        flat, absent = _flat(columns)
        if absent is not None:
            flat = pa.Array.from_buffers(flat.type, len(flat), [None, flat.buffers()[1]], offset=flat.offset)
        values = plainly_stored(flat).reshape(len(columns), -1)
        if values.dtype.kind == "f" and (nan := np.isnan(values)).any():
            absent = nan if absent is None else absent | nan
        return _Stack.of(values, absent)

    def _kinds(self, stack: _Stack, infinite: Mask) -> list[ValueKind | None]:
        """The kinds of the columns that become what their type says; None for others: those that do not vary or are not
        finite, and numbers that float64 may not hold."""
        converted = np.asarray(numbers(as_arrow(stack.values.ravel(), self._type)), dtype=np.float64)
        converted = converted.reshape(stack.values.shape)
        low, high = stack.ends(converted)
        plain = (stack.rows > 0) & ~infinite & (low != high)
        if pa.types.is_integer(self._type):
            plain &= (low > -MOST) & (high < MOST)
        kinds = kinds_of_columns(converted, stack.rows)
        return [kind if usual else None for kind, usual in zip(kinds, plain.tolist(), strict=True)]

    def _varying(self, low: Any, high: Any) -> ColumnUse:
        """What columns of the type become, of which one goes from `low` to `high`."""
        if self._use is None:
            ends = as_arrow(np.array([low, high]), self._type)
            self._use = plan_column(Column.of("", pa.chunked_array([ends]), asked="number")).use
        return self._use

    def _left_out(self, value: Any) -> ColumnUse:
        """What a column becomes that holds nothing but one value."""
        key = value.tobytes()
        if key not in self._constant:
            only = as_arrow(np.array([value]), self._type)
            self._constant[key] = plan_column(Column.of("", pa.chunked_array([only]), asked="number")).use
        return self._constant[key]


class _Texts:
    """Columns of text, or of categories whose levels are text."""

    def __init__(self, type_: Any) -> None:
        self._category = pa.types.is_dictionary(type_)
        self._words = type_words(type_)
        self._uses: dict[Any, ColumnUse | None] = {}

    def describe(self, names: Sequence[str], columns: Sequence[Any]) -> Iterator[ColumnSummary]:
        """The summaries of some columns."""
        flat, absent = _flat(columns)
        encoded = flat.dictionary_encode()
        if not len(encoded.dictionary) or not _is_sound(encoded.dictionary):
            yield from map(describe, names, columns)
            return
        order = pc.sort_indices(encoded.dictionary)
        words = encoded.dictionary.take(order)
        places = np.empty(len(words), dtype=np.int32)
        places[order.to_numpy()] = np.arange(len(words), dtype=np.int32)
        codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        stack = _Stack.of(places[codes].reshape(len(columns), -1), absent)
        plain = self._plain(stack, words)
        low, high = (words.take(np.where(stack.rows > 0, end, 0)).to_pylist() for end in stack.ends(stack.values))
        distinct, missing = stack.distinct.tolist(), stack.missing
        for i, name in enumerate(names):
            key = (low[i], high[i]) if distinct[i] < 3 else distinct[i]
            if plain[i] and key not in self._uses:
                levels = words.take(pa.array(np.unique(stack.values[i, : stack.rows[i]])))
                self._uses[key] = self._use(levels)
            use = self._uses[key] if plain[i] else None
            if use is None:
                yield describe(name, columns[i])
                continue
            kind = ValueKind.DISCRETE if use.width else None
            ends = (low[i], high[i])
            yield summary(name, self._words, missing[i], distinct[i], ends, (use, kind))

    def _plain(self, stack: _Stack, words: Any) -> list[bool]:
        """Whether each column becomes what its levels alone say: not so where they are many, or spell numbers."""
        distinct = stack.distinct
        plain = (distinct > 0) & (distinct <= MAX_LEVELS)
        if self._category:
            return list(plain)
        plain &= (distinct == 1) | (2 * distinct < stack.rows)
        varying = np.flatnonzero(plain & (distinct > 1))
        # The last flag is that of missing values.
        spelled = np.zeros(len(words) + 1, dtype=np.bool_)
        used = np.minimum(stack.values[varying], len(words))
        spelled[used] = True
        spelled[-1] = False
        # Nothing is spelled without a digit.
        spelled[:-1] &= pc.match_substring_regex(words, r"\pN").to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(spelled).tolist():
            spelled[place] = spelling(words[place].as_py()) is not None
        plain[varying[spelled[used].any(axis=1)]] = False
        return list(plain)

    def _use(self, levels: Any) -> ColumnUse | None:
        """What a column with these levels becomes, each of them thrice; None where it cannot be used."""
        column = pa.concat_arrays([levels] * 3)
        if self._category:
            column = column.dictionary_encode()
        try:
            return plan_column(Column.of("", pa.chunked_array([column]))).use
        except DataError:
            return None


def _flat(columns: Sequence[Any]) -> tuple[Any, Mask | None]:
    """Columns one after the other in one array, and where it is null, one column a row; None where nowhere."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    if pa.types.is_dictionary(chunks[0].type):
        chunks = [chunk.dictionary_decode() for chunk in chunks]
    flat = pa.concat_arrays(chunks)
    if not flat.null_count:
        return flat, None
    return flat, flat.is_null().to_numpy(zero_copy_only=False).reshape(len(columns), -1)


def _is_sound(words: Any) -> bool:
    """Whether text is UTF-8."""
    try:
        words.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _plain(values: Values, type_: Any) -> Sequence[Extreme]:
    """Stored values as plain ones."""
    types = pa.types
    if types.is_timestamp(type_):
        text: list[str] = as_arrow(values, pa.timestamp(type_.unit)).cast(pa.string()).to_pylist()
        return text
    if types.is_temporal(type_):
        return list(map(plain_value, as_arrow(values, type_)))
    plain: list[Extreme] = (values.astype(np.bool_) if types.is_boolean(type_) else values).tolist()
    return plain
