"""The types of columns as people call them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from minecli.tables.kinds import is_list


def type_words(type_: Any) -> str:
    """An Arrow type in words.

    >>> type_words(pa.float64()), type_words(pa.list_(pa.float32(), 3)), type_words(pa.string())
    ('float64', 'list of 3 float32', 'text')
    >>> type_words(pa.dictionary(pa.int8(), pa.string()))
    'category of text'
    """
    types = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return type_words(type_.storage_type)
    if is_list(type_):
        length = f"{type_.list_size} " if types.is_fixed_size_list(type_) else ""
        return f"list of {length}{type_words(type_.value_type)}"
    if types.is_dictionary(type_):
        return f"category of {type_words(type_.value_type)}"
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return "text"
    if types.is_timestamp(type_):
        return f"timestamp {type_.tz}" if type_.tz else "timestamp"
    for is_kind, word in ((types.is_date, "date"), (types.is_time, "time"), (types.is_duration, "duration")):
        if is_kind(type_):
            return word
    words = {
        "double": "float64",
        "float": "float32",
        "halffloat": "float16",
        "bool": "boolean",
        "null": "empty",
    }
    return words.get(str(type_), str(type_))
