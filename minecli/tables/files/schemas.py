"""What an Arrow schema tells: names, columns that number the rows, widths of lists, and the product's own entries."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from minecli.errors import DataError
from minecli.tables.kinds import is_list
from minecli.tables.selectors.wording import quoted, repeated

METADATA_PREFIX = "minecli."


def check_unique(names: Sequence[str], label: str) -> None:
    """Raise DataError where a name occurs twice; `label` is how messages call the table."""
    if twice := repeated(names):
        raise DataError(
            f"{label} has the same column name more than once: {quoted(twice)}",
            hint="each column needs a name of its own",
        )


def differing_types(first: Any, other: Any, first_label: str, label: str) -> DataError | None:
    """The error of two parts of a table of which some column has types that do not fit; None where all do.

    >>> print(differing_types(pa.schema({"a": pa.int8()}), pa.schema({"a": pa.date32()}), "1.csv", "2.csv").problem)
    the parts 1.csv and 2.csv differ in column 'a': int8 and date32[day]
    """
    for name in first.names:
        if name not in other.names:
            continue
        both = [first.field(name).type, other.field(name).type]
        try:
            pa.unify_schemas([pa.schema([(name, type_)]) for type_ in both], promote_options="permissive")
        except pa.ArrowException:
            return DataError(
                f"the parts {first_label} and {label} differ in column '{name}': {both[0]} and {both[1]}",
                hint="parts of one table must have types that fit",
            )
    return None


def own_metadata(schema: Any) -> dict[str, str]:
    """What a schema carries under the product's prefix, prefix removed."""
    stored: dict[bytes, bytes] = schema.metadata or {}
    prefix = METADATA_PREFIX.encode()
    return {key[len(prefix) :].decode(): value.decode() for key, value in stored.items() if key.startswith(prefix)}


def index_columns(schema: Any) -> tuple[str, ...]:
    """The columns that pandas stored as the index of a frame.

    >>> index_columns(pa.schema([("__index_level_0__", pa.int64()), ("a", pa.int64())]))
    ('__index_level_0__',)
    """
    named: set[str] = set()
    with contextlib.suppress(KeyError, TypeError, ValueError):
        stored = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        named = {name for name in stored if isinstance(name, str)}
    return tuple(name for name in schema.names if name in named or name.startswith("__index_level_"))


def list_widths(schema: Any) -> dict[str, int | None]:
    """The columns of lists, each with its width, None where the type does not fix it.

    >>> list_widths(pa.schema([("a", pa.list_(pa.float32(), 3)), ("b", pa.list_(pa.int8())), ("c", pa.int8())]))
    {'a': 3, 'b': None}
    """
    return {field.name: _width(field.type) for field in schema if is_list(field.type)}


def _width(type_: Any) -> int | None:
    plain = type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_
    return int(plain.list_size) if pa.types.is_fixed_size_list(plain) else None
