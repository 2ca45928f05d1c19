"""What an Arrow schema tells: names, columns that number the rows, widths of lists, and the product's own entries."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from minecli.errors import DataError
from minecli.tables.kinds import is_list
from minecli.tables.selectors.grammar import quoted

METADATA_PREFIX = "minecli."


def check_unique(names: Sequence[str], label: str) -> None:
    """Raise DataError where a name occurs twice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{label} has the same column name more than once: {quoted(twice)}",
            hint="each column needs a name of its own",
        )


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
