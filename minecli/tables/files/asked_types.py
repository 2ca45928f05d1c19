"""The types that a person gives to columns (--type COLUMN=TYPE), and the formats of their dates (--date-format)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError, UsageError
from minecli.tables.selectors.wording import nearest

TYPES = {
    "int64": pa.int64(), "integer": pa.int64(), "int": pa.int64(), "uint64": pa.uint64(), "float64": pa.float64(),
    "float": pa.float64(), "number": pa.float64(), "float32": pa.float32(), "text": pa.string(), "string": pa.string(),
    "boolean": pa.bool_(), "bool": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us"),
    "time": pa.time64("us"),
}  # fmt: skip


class AskedTypes:
    """What `--type` and `--date-format` say, and columns that are text in any case.

    Raises UsageError for a type that is none.

    >>> AskedTypes(["a=text"], ["%m/%Y"]).cast(pa.table({"a": [1, 2], "b": ["03/2020", "04/2020"]})).schema.types
    [DataType(string), TimestampType(timestamp[s])]
    """

    def __init__(self, types: Sequence[str], date_formats: Sequence[str] = (), as_text: Sequence[str] = ()) -> None:
        self._types = dict(map(_type_of, types))
        self._formats = tuple(date_formats)
        self._as_text = tuple(as_text)

    def check(self, names: Sequence[str], source: str) -> None:
        """Raise UsageError where a column that is given a type does not exist."""
        known = set(names)
        for name in self._types:
            if name not in known:
                close = nearest(name, names)
                raise UsageError(
                    f"--type: there is no column '{name}'",
                    hint=f"did you mean {close[0]}?" if close else f"minecli columns {shlex.quote(source)} lists them",
                )

    def of_text(self, columns: Sequence[str]) -> dict[str, Any]:
        """The types that the reader of text is to give to columns."""
        wanted = dict.fromkeys(self._as_text, pa.string()) | self._types
        chosen = set(columns)
        return {name: type_ for name, type_ in wanted.items() if name in chosen}

    def cast(self, table: Any) -> Any:
        """A table of another format with the types asked for. Raises DataError for values that have no such type."""
        if not self._types and not self._formats:
            return table
        for place, name in enumerate(table.column_names):
            column = table.column(place)
            changed = self._dates(column) if name not in self._types else _cast(name, column, self._types[name])
            if changed is not column:
                table = table.set_column(place, name, changed)
        return table

    def _dates(self, column: Any) -> Any:
        """Text as timestamps where one of the formats fits all its values."""
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return column
        for form in self._formats:
            moments = pc.strptime(column, format=form, unit="s", error_is_null=True)
            if moments.null_count == column.null_count < len(column):
                return moments
        return column


def _cast(name: str, column: Any, type_: Any) -> Any:
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    try:
        return plain.cast(type_)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"column '{name}' of type {column.type} cannot be {type_}: {str(error).splitlines()[0][:120]}",
            hint="leave out --type for it",
        ) from None


def _type_of(asked: str) -> tuple[str, Any]:
    """The column and the type in COLUMN=TYPE; the last = counts.

    >>> _type_of("a=b=int64")
    ('a=b', DataType(int64))
    """
    name, sign, word = asked.rpartition("=")
    if not sign or not name or word not in TYPES:
        raise UsageError(
            f"--type {asked!r} is not COLUMN=TYPE with a TYPE of {', '.join(TYPES)}", hint="as in --type zip=text"
        )
    return name, TYPES[word]
