"""Further spellings of a missing value (--na-values): found in a text as they are written, and in columns by value, so
that -999 is also -999.0, in whatever file. One that is nowhere is said: it may be a slip."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minecli.tables.kinds import is_list

_LONGEST = 1 << 12
_WHOLE = re.compile(r"\s*([-+]?)0*(\d+)(?:\.0*)?\s*")


class Markers:
    """The spellings, and which of them have been found.

    >>> markers = Markers(["-999", "?"])
    >>> markers.emptied(pa.table({"a": [1.5, -999.0], "b": ["-999", "x"]})).to_pydict()
    {'a': [1.5, None], 'b': [None, 'x']}
    >>> markers.unseen()
    ['?']
    """

    def __init__(self, spellings: Sequence[str]) -> None:
        self.spellings = tuple(dict.fromkeys(spellings))
        self._seen: set[str] = set()

    def unseen(self) -> list[str]:
        """The spellings that matched no value in what has been read."""
        return [each for each in self.spellings if each not in self._seen]

    def passing(self, pieces: Iterable[bytes], delimiter: str, quote: str | None) -> Iterator[bytes]:
        """The pieces of a text, searched for fields that are one of the spellings."""
        mark = re.escape(quote.encode()) + b"?" if quote else b""
        ends = rb"[" + re.escape(delimiter.encode()) + rb"\r\n]"
        before, after = rb"(?:\A|(?<=" + ends + rb"))" + mark, mark + rb"(?=\Z|" + ends + rb")"
        wanted = {each: re.compile(before + re.escape(each.encode()) + after) for each in self.spellings}
        rest = b""
        for piece in pieces:
            for each in [each for each in wanted if each not in self._seen]:
                if wanted[each].search(rest + piece):
                    self._seen.add(each)
            rest = piece[-_LONGEST:]
            yield piece

    def emptied(self, table: Any) -> Any:
        """An Arrow table in which the values that a spelling stands for are missing."""
        if not self.spellings:
            return table
        columns = [self._emptied(column) for column in table.columns]
        return pa.table(columns, names=table.column_names)

    def _emptied(self, column: Any) -> Any:
        if is_list(column.type) and not isinstance(column.type, pa.BaseExtensionType):
            return pa.chunked_array([self._list(chunk) for chunk in column.chunks], column.type)
        if pa.types.is_float16(column.type):
            # Arrow cannot compare these.
            column = column.cast(pa.float32())
        if pa.types.is_dictionary(column.type):
            return pa.chunked_array([self._category(chunk) for chunk in column.chunks], column.type)
        for spelling in self.spellings:
            value = _value(spelling, column.type)
            if value is None:
                continue
            here = pc.fill_null(_equal(column, value, spelling), False)
            if pc.any(here).as_py():
                self._seen.add(spelling)
                column = pc.if_else(here, pa.scalar(None, column.type), column)
        return column

    def _list(self, chunk: Any) -> Any:
        """Lists with the entries that a spelling stands for missing."""
        entries = pa.chunked_array([chunk.flatten()])
        emptied = self._emptied(entries)
        if emptied is entries or chunk.null_count:
            return chunk
        values = emptied.combine_chunks()
        if pa.types.is_fixed_size_list(chunk.type):
            return pa.FixedSizeListArray.from_arrays(values, chunk.type.list_size)
        lengths = pc.list_value_length(chunk).to_numpy(zero_copy_only=False)
        return type(chunk).from_arrays(np.concatenate([[0], np.cumsum(lengths)]), values)

    def _category(self, chunk: Any) -> Any:
        levels, indices = chunk.dictionary, chunk.indices
        for spelling in self.spellings:
            value = _value(spelling, levels.type)
            place = -1 if value is None else pc.index(levels, value).as_py()
            here = pc.fill_null(pc.equal(indices, place), False) if place >= 0 else None
            if here is not None and pc.any(here).as_py():
                self._seen.add(spelling)
                indices = pc.if_else(here, pa.scalar(None, indices.type), indices)
        return pa.DictionaryArray.from_arrays(indices, levels, ordered=chunk.type.ordered)


def _equal(column: Any, value: Any, spelling: str) -> Any:
    """Where a column has a value; in text also where the same whole number is written in another way, as -999.0."""
    if pa.types.is_string(column.type) and (number := _WHOLE.fullmatch(spelling)):
        sign = "-" if number[1] == "-" else r"\+?"
        return pc.match_substring_regex(column, rf"^\s*{sign}0*{number[2]}(\.0*)?\s*$")
    return pc.equal(column, value)


def _value(spelling: str, type_: Any) -> Any:
    """What a spelling stands for in a column of this type; None where it stands for nothing."""
    types = pa.types
    if types.is_string(type_) or types.is_large_string(type_):
        return pa.scalar(spelling, type_)
    try:
        if types.is_integer(type_):
            number = decimal.Decimal(spelling)
            return pa.scalar(int(number), type_) if number == int(number) else None
        if types.is_floating(type_) and not types.is_float16(type_):
            return pa.scalar(float(spelling), type_)
        if types.is_decimal(type_):
            return pa.scalar(spelling, pa.string()).cast(type_)
    except (ValueError, ArithmeticError, pa.ArrowException):
        return None
    return None
