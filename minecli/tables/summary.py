"""What the columns of a table are and how they would be used: the content of `minecli columns FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.arrays import list_entries, list_width, numbers, plan_column
from minecli.tables.asked_kinds import as_asked, asked_kinds
from minecli.tables.columns import typed
from minecli.tables.kinds import Asked, ColumnUse, Plain, column_kind, decoded, plain_value
from minecli.tables.missing import Mask, holds_infinity, is_list, missing_rows
from minecli.tables.reading import OpenTable, Reading, open_table
from minecli.tables.value_kinds import ValueKind, value_kind

Extreme = Plain | None
# Of a column of lists, so many entries at most tell the kind.
_JUDGED_ENTRIES = 1 << 21
_FEWEST_LISTS = 1000


@dataclass(frozen=True)
class ColumnSummary:
    """One column of a file.

    `type` is a word or two for people ("float64", "text", "list of 3 float32"). `width` is the number of
    array columns it makes (0: constant or unusable). `missing` counts nulls and NaN; `distinct` the different
    values that are there (None for lists and nested types). `minimum` and `maximum` leave missing values out;
    dates and times are ISO text; both are None where values have no order or there are none. `kind` is that of
    the values (`value_kinds`; labels are discrete), None where the column is not `usable`. `encoding` says how
    `estimate` would use it, or, where not `usable`, why it would not.
    """

    name: str
    type: str
    width: int
    missing: int
    distinct: int | None
    minimum: Extreme
    maximum: Extreme
    kind: str | None
    encoding: str
    usable: bool


def describe_columns(
    source: str,
    *,
    input_format: str | None = None,
    delimiter: str | None = None,
    na_values: Sequence[str] = (),
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    stdin: BinaryIO | None = None,
) -> tuple[ColumnSummary, ...]:
    """Look at every column of a table, in file order. The arguments are those of `groups.load_groups`.

    Parquet and Arrow files are read one column at a time, so the peak is about the widest column. A column
    that cannot be used is listed with its reason; DataError is raised only for a table that cannot be read, and
    UsageError for selectors and options that do not fit.

    >>> import io
    >>> [(c.name, c.type, c.missing) for c in describe_columns("-", stdin=io.BytesIO(b"a,b\\n1,\\n2,0.5\\n"))]
    [('a', 'int64', 0), ('b', 'float64', 1)]
    """
    table = open_table(source, Reading(input_format=input_format, delimiter=delimiter, na_values=na_values), stdin)
    asked = asked_kinds(categorical, numeric, table.names, source=source)
    return tuple(describe(name, column, asked.of(name)) for name, column in _columns(table))


def _columns(table: OpenTable) -> Any:
    """Each column with its name: read alone where that saves memory, else all at once."""
    if table.once or table.format not in ("parquet", "arrow"):
        everything = table.read(table.names)
        yield from zip(table.names, everything.columns, strict=True)
    else:
        for name in table.names:
            yield name, table.read([name]).column(0)


def describe(name: str, column: Any, asked: Asked | None = None) -> ColumnSummary:
    """Summarise one Arrow column, of which somebody may have said what it is.

    >>> summary = describe("a", pa.chunked_array([[2.5, None, -1.0]]))
    >>> summary.missing, summary.distinct, summary.minimum, summary.maximum, summary.encoding
    (1, 2, -1.0, 2.5, 'as it is')
    """
    rows = missing_rows(column)
    missing = 0 if rows is None else int(rows.sum())
    kept = None if rows is None else ~rows
    present = column if kept is None else column.filter(pa.array(kept))
    use, kind = _use(name, present, holds_infinity(column), asked, kept)
    minimum, maximum = _extremes(present)
    return ColumnSummary(
        name=name,
        type=type_words(column.type),
        width=use.width,
        missing=missing,
        distinct=_distinct(present),
        minimum=minimum,
        maximum=maximum,
        kind=None if kind is None else kind.value,
        encoding=_in_words(use),
        usable=use.width > 0,
    )


def _use(
    name: str, present: Any, infinite: bool, asked: Asked | None, kept: Mask | None
) -> tuple[ColumnUse, ValueKind | None]:
    """What the present values become, and their kind; where they cannot be used, no kind, and why not as the encoding
    of no array columns."""
    why_not = "no values" if len(present) == 0 else "holds infinite values" if infinite else None
    if why_not is None:
        try:
            if column_kind(name, present.type) == "list":
                list_width(name, present)
            values = as_asked(name, present, asked, kept)
            use = plan_column(name, values, kept, asked).use
            return use, _kind(use, values) if use.width else None
        except DataError as error:
            why_not = error.problem.removeprefix(f"column '{name}' ")
    return ColumnUse(name, "float", 0, why_not), None


def _in_words(use: ColumnUse) -> str:
    """The encoding of a column, and what to type where numbers may be labels."""
    if not use.perhaps_labels:
        return use.encoding
    hint = f"if these are labels: --categorical {typed([use.name])}"
    return f"{use.encoding}: {use.levels} levels, used as a number; {hint}"


def _kind(use: ColumnUse, values: Any) -> ValueKind:
    """The kind of the values that a column is used as."""
    if use.kind in ("boolean", "category", "text"):
        return ValueKind.DISCRETE
    if use.kind == "list":
        return _kind_of_lists(use.name, values)
    return value_kind(np.concatenate([numbers(chunk) for chunk in values.chunks]).astype(np.float64))


def _kind_of_lists(name: str, lists: Any) -> ValueKind:
    """Continuous where every entry is that varies, otherwise what most of the others are; judged on rows from all over
    the table."""
    width = list_width(name, lists)
    step = -(-len(lists) // max(_FEWEST_LISTS, _JUDGED_ENTRIES // width))
    sample = np.concatenate([list_entries(chunk, width)[::step] for chunk in lists.chunks])
    kinds = [value_kind(entry.astype(np.float64)) for entry in sample.T if (entry != entry[0]).any()]
    atoms, discrete = (kinds.count(kind) for kind in (ValueKind.ATOMS, ValueKind.DISCRETE))
    if not atoms and not discrete:
        return ValueKind.CONTINUOUS
    return ValueKind.DISCRETE if discrete > atoms else ValueKind.ATOMS


def _distinct(present: Any) -> int | None:
    if is_list(present.type) or pa.types.is_nested(present.type):
        return None
    if len(present) == 0:
        return 0
    if pa.types.is_integer(present.type) or pa.types.is_floating(present.type):
        # Sorting takes a fifth of the memory of a hash table of all values.
        values = np.concatenate([numbers(chunk) for chunk in present.chunks])
        values.sort()
        return int(np.count_nonzero(values[1:] != values[:-1])) + 1
    try:
        return int(pc.count_distinct(decoded(present)).as_py())
    except pa.ArrowNotImplementedError:
        return None


def _extremes(present: Any) -> tuple[Extreme, Extreme]:
    type_ = present.type
    if len(present) == 0 or is_list(type_) or pa.types.is_nested(type_):
        return None, None
    values = decoded(present)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    if pa.types.is_duration(values.type):
        both = pc.min_max(values.cast(pa.int64()))
        ends = [both[key].cast(values.type) for key in ("min", "max")]
    elif _is_bytes(values.type):
        return None, None
    else:
        both = pc.min_max(values)
        ends = [both["min"], both["max"]]
    low, high = (plain_value(end) for end in ends)
    return low, high


def _is_bytes(type_: Any) -> bool:
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_))


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
