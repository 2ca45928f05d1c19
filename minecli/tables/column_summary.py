"""One column of a table: what its values are, and how it would be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.arrays import list_width, plan_column
from minecli.tables.asked_kinds import as_asked
from minecli.tables.exactness import wide
from minecli.tables.kinds import (
    FEW_LEVELS,
    Asked,
    Column,
    ColumnUse,
    Mask,
    Plain,
    Plan,
    decoded,
    filterable,
    is_bytes,
    is_list,
    plain_value,
)
from minecli.tables.labels import too_many
from minecli.tables.missing import holds_infinity, missing_rows
from minecli.tables.ordered_values import Ordered, Tally, Values, as_arrow, is_ordered, ordered, plainly_stored, slices
from minecli.tables.selectors.wording import typed
from minecli.tables.type_words import type_words
from minecli.tables.value_kinds import LONG, Array, ValueKind, kinds_of_columns, value_kind

Extreme = Plain | None
# What a column is used as, and the kind of the values that it is used as; None where it is not used.
Used = tuple[ColumnUse, ValueKind | None]
# Of a column of lists, so many entries at most tell the kind.
_SAMPLED_ENTRIES = 1 << 21
_FEWEST_LISTS = 1000
# A table of more different texts or decimals than that takes more memory than to sort them.
_MOST_HASHED = 1 << 16


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


def describe(name: str, column: Any, asked: Asked | None = None) -> ColumnSummary:
    """Summarise one Arrow column, of which somebody may have said what it is.

    >>> summary = describe("a", pa.chunked_array([[2.5, None, -1.0]]))
    >>> summary.missing, summary.distinct, summary.minimum, summary.maximum, summary.encoding
    (1, 2, -1.0, 2.5, 'as it is')
    """
    if not is_ordered(column.type) or asked == "labels":
        return _describe_others(name, column, asked)
    tally = Tally()
    for chunk in column.chunks:
        tally.add(chunk)
    return describe_tally(name, column.type, tally, asked)


def describe_tally(name: str, type_: Any, tally: Tally, asked: Asked | None = None) -> ColumnSummary:
    """Summarise a column of numbers, dates or times of which all chunks have been tallied.

    >>> tally = Tally()
    >>> tally.add(pa.array([True, False]))
    >>> describe_tally("a", pa.bool_(), tally).encoding
    '0 or 1'
    """
    values = tally.ordered()
    extremes = _plain_ends(values.values[[0, -1]], type_) if len(values) else (None, None)
    used = _use_of_numbers(name, values, type_, tally.infinite, asked)
    return summary(name, type_words(type_), tally.missing, values.distinct, extremes, used)


def summary(
    name: str,
    type_: str,
    missing: int,
    distinct: int | None,
    extremes: tuple[Extreme, Extreme],
    used: Used,
) -> ColumnSummary:
    """What is known of a column, as it is listed; its use may be that of another which is used alike."""
    use, kind = used
    return ColumnSummary(
        name=name,
        type=type_,
        width=use.width,
        missing=missing,
        distinct=distinct,
        minimum=extremes[0],
        maximum=extremes[1],
        kind=None if kind is None else kind.value,
        encoding=_in_words(name, use),
        usable=use.width > 0,
    )


def of_no_use(name: str, why_not: str) -> ColumnUse:
    """The use of a column that has none."""
    return ColumnUse(name, "float", 0, why_not)


def perhaps_labels(use: ColumnUse, distinct: int, rows: int) -> ColumnUse:
    """The use of a column of which nobody has said what it is: few integers may be labels."""
    few = use.kind == "integer" and use.width > 0 and distinct <= FEW_LEVELS and not too_many(distinct, rows)
    return replace(use, levels=distinct) if few else use


def _in_words(name: str, use: ColumnUse) -> str:
    """The encoding of a column, and what to type where numbers may be labels."""
    if not use.perhaps_labels:
        return use.encoding
    hint = f"if these are labels: --categorical {typed([name])}"
    return f"{use.encoding}: {use.levels} levels, used as a number; {hint}"


def _use_of_numbers(name: str, values: Ordered, type_: Any, infinite: bool, asked: Asked | None) -> Used:
    """What present values become, and their kind; where they cannot be used, why not, and no kind."""
    if len(values) == 0 or infinite:
        return of_no_use(name, "holds infinite values" if infinite else "no values"), None
    try:
        # The number of rows matters for labels alone, which are looked for here.
        plan = plan_column(Column.of(name, values.as_arrow(type_), asked="number"))
    except DataError as error:
        return of_no_use(name, _why_not(name, error)), None
    if not plan.use.width:
        return plan.use, None
    use = perhaps_labels(plan.use, values.distinct, len(values)) if asked is None else plan.use
    return use, values.kind(lambda part: _float64(plan.convert(as_arrow(part, type_))))


def _describe_others(name: str, column: Any, asked: Asked | None) -> ColumnSummary:
    """Summarise a column that is no number as it is stored, or is not to be one."""
    absent = _missing(column)
    missing = 0 if absent is None else int(absent.sum())
    rows = None if absent is None else ~absent
    present = column if rows is None else column.filter(pa.array(rows))
    used = _use_of_others(name, present, asked, rows)
    levels = _levels(present)
    return summary(name, type_words(column.type), missing, _distinct(levels), _extremes(levels), used)


def _missing(column: Any) -> Mask | None:
    """True for each missing row; None where there is none."""
    flags: Mask | None = None
    start = 0
    for piece in slices(column):
        absent = missing_rows(pa.chunked_array([piece]))
        if absent is not None:
            flags = np.zeros(len(column), dtype=np.bool_) if flags is None else flags
            flags[start : start + len(piece)] = absent
        start += len(piece)
    return flags


def _use_of_others(name: str, present: Any, asked: Asked | None, rows: Mask | None) -> Used:
    """What the values that are `present`, in some `rows` of the file, become, and their kind; where they cannot be
    used, why not, and no kind."""
    if len(present) == 0:
        return of_no_use(name, "no values"), None
    if any(holds_infinity(pa.chunked_array([piece])) for piece in slices(present)):
        return of_no_use(name, "holds infinite values"), None
    try:
        column = Column.of(name, present, asked, rows)
        if column.kind == "list":
            list_width(column)
        column = as_asked(column)
        plan = plan_column(column)
    except DataError as error:
        return of_no_use(name, _why_not(name, error)), None
    return plan.use, _kind(column, plan) if plan.use.width else None


def _why_not(name: str, error: DataError) -> str:
    return error.problem.removeprefix(f"column '{name}' ")


def _kind(column: Column, plan: Plan) -> ValueKind:
    """The kind of the values that a column is used as."""
    if column.kind in ("boolean", "category", "text"):
        return ValueKind.DISCRETE
    if column.kind == "list":
        return _kind_of_lists(column, plan)
    return ordered(_float64(plan.convert(piece)) for piece in slices(column.values)).kind(_float64)


def _kind_of_lists(column: Column, plan: Plan) -> ValueKind:
    """Continuous where every entry is that varies, otherwise what most of the others are; told from rows all over the
    table."""
    width, lists = list_width(column), column.values
    step = -(-len(lists) // max(_FEWEST_LISTS, _SAMPLED_ENTRIES // width))
    rows = step * max(1, _SAMPLED_ENTRIES // (step * width))
    sample = np.concatenate([_float64(plan.convert(piece)[::step]) for piece in slices(lists, rows)])
    entries = np.sort(sample.T, axis=1)
    entries = entries[entries[:, 0] != entries[:, -1]]
    if len(sample) < LONG:
        kinds = kinds_of_columns(entries, np.full(len(entries), len(sample)))
    else:
        kinds = list(map(value_kind, entries))
    atoms, discrete = (kinds.count(kind) for kind in (ValueKind.ATOMS, ValueKind.DISCRETE))
    if not atoms and not discrete:
        return ValueKind.CONTINUOUS
    return ValueKind.DISCRETE if discrete > atoms else ValueKind.ATOMS


def _float64(values: Values) -> Array:
    return np.asarray(values, dtype=np.float64)


def _levels(present: Any) -> Any:
    """A column as plain values of a type that Arrow can compare; of a category, the levels that occur."""
    if pa.types.is_dictionary(present.type):
        used = list(_used(present))
        present = pa.chunked_array(used) if used else pa.chunked_array([], type=present.type.value_type)
    elif pa.types.is_decimal(present.type):
        return wide(present)
    return decoded(present)


def _used(category: Any) -> Iterator[Any]:
    """The entries of each chunk's dictionary that stand in some row of it."""
    for chunk in category.chunks:
        used = np.zeros(len(chunk.dictionary), dtype=np.bool_)
        for piece in slices(pa.chunked_array([chunk.indices])):
            used[piece.to_numpy(zero_copy_only=False)] = True
        yield filterable(chunk.dictionary).filter(pa.array(used))


def _distinct(levels: Any) -> int | None:
    """How many different values there are; None for types of which Arrow cannot tell."""
    if is_list(levels.type) or pa.types.is_nested(levels.type):
        return None
    if len(levels) == 0:
        return 0
    try:
        return distinct_count(levels)
    except pa.ArrowNotImplementedError:
        return None


def distinct_count(values: Any) -> int:
    """How many different values a column without missing ones has, counted in little memory. A table of all of them
    would take several times the column's; so they are ranked where they are many.

    >>> distinct_count(pa.chunked_array([["a", "b", "a"]]))
    2
    """
    distinct = None
    for piece in slices(values):
        here = pc.unique(piece)
        distinct = here if distinct is None else pc.unique(pa.concat_arrays([distinct, here]))
        if len(distinct) > _MOST_HASHED:
            return int(pc.max(pc.rank(values, tiebreaker="dense")).as_py())
    return 0 if distinct is None else len(distinct)


def _extremes(levels: Any) -> tuple[Extreme, Extreme]:
    """The least and the greatest value; None where there are none, and where Arrow knows no order."""
    type_ = levels.type
    if len(levels) == 0 or is_list(type_) or pa.types.is_nested(type_):
        return None, None
    try:
        if is_ordered(type_):
            parts = [plainly_stored(piece) for piece in slices(levels)]
            return _plain_ends(np.array([min(map(np.min, parts)), max(map(np.max, parts))]), type_)
        if not is_bytes(type_):
            both = pc.min_max(levels)
            return plain_value(both["min"]), plain_value(both["max"])
    except (pa.ArrowNotImplementedError, UnicodeDecodeError):
        pass
    return None, None


def _plain_ends(ends: Values, type_: Any) -> tuple[Extreme, Extreme]:
    """Two stored values as plain ones; there is but one zero."""
    low, high = map(plain_value, as_arrow(ends + 0, type_))
    return low, high
