"""Arrow columns -> float64 arrays: what each kind of column becomes, decided once and said to the person.

    float, decimal      as it is
    integer             its value; beyond 2^53, where float64 skips integers, the difference to the least value if that
                        is exact, and a note (`exactness`). Another note where there are so few levels that they may
                        be labels
    boolean             0 or 1
    date, timestamp     days since 1970-01-01 with a fraction for the time of day; a time zone's clock is UTC
    time, duration      seconds
    category            one 0/1 column per level ("color=red"), levels sorted; two levels make ONE such
                        column, for the second of them; at most MAX_LEVELS levels. Arrow dictionaries (pandas
                        categories) are of this kind whatever their values
    text                a category where it has at most MAX_LEVELS distinct values and fewer than half as many
                        as rows; any other text, and text of which more than half spells numbers or dates
                        (`number_like`), are an error that shows a value
    list of numbers     one column per entry ("emb[3]"); all rows must have one length. Fixed-size lists and
                        fixed-shape tensors likewise
    struct, map, bytes  an error

What a person says goes before (`asked_kinds`): a column of --categorical becomes 0/1 columns whatever its type, with at
most MOST_CLASSES levels and half as many as rows; text of --numeric is parsed.

A column whose values are all equal as stored carries no information: it is left out and noted. Where a group has no
other column that is an error, because the mutual information with a constant is 0 and there is nothing to estimate.
One-hot columns hold many tied values; a nearest-neighbour estimator sees them as such and warns by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.exactness import Convert, close, difference, ends, least_entries, rounding, stored
from minecli.tables.kinds import (
    FEW_LEVELS,
    UNITS_PER_SECOND,
    Array,
    Column,
    ColumnUse,
    Plan,
    left_out,
    plain_value,
)
from minecli.tables.labels import too_many
from minecli.tables.levels import plan_levels
from minecli.tables.ordered_values import slices
from minecli.tables.selectors.wording import typed

_BATCH_VALUES = 1 << 20
_FEWEST_ROWS = 1 << 11
# So many columns are called by their names in a note.
_NAMED = 6
_ENCODINGS = {"boolean": "0 or 1", "date": "days since 1970-01-01", "seconds": "seconds"}


def plan_column(column: Column, *, exact_shift: bool = True) -> Plan:
    """Decide what a column without missing values becomes.

    Where a person has said what it is, it has been through `asked_kinds.as_asked`. `exact_shift`: whether integers
    beyond 2^53 may be used as differences to their minimum; not where they are to be made of the array again.
    Raises DataError for a column that cannot be used.

    >>> plan_column(Column.of("c", pa.chunked_array([["u", "v", "u", "u", "w", "v", "w"]]))).names
    ('c=u', 'c=v', 'c=w')
    """
    if column.kind == "list":
        return _plan_list(column, exact_shift)
    if column.kind in ("category", "text"):
        return plan_levels(column)
    return _plan_number(column, exact_shift)


def build_array(columns: Sequence[Any], plans: Sequence[Plan]) -> Array:
    """The array of a group, shape (n, sum of the plans' widths), each block beside the one before.

    `columns` are Arrow columns of n rows without missing values, which the plans are for.

    Rows are converted in batches, so that the part of the array being written stays in the cache.
    """
    rows, width = len(columns[0]), sum(plan.use.width for plan in plans)
    values = np.empty((rows, width), dtype=np.float64)
    table = pa.table(list(columns), names=[str(i) for i in range(len(columns))])
    top = 0
    for batch in table.to_batches(max_chunksize=max(_FEWEST_ROWS, _BATCH_VALUES // max(width, 1))):
        bottom, left = top + batch.num_rows, 0
        for chunk, plan in zip(batch.columns, plans, strict=True):
            right = left + plan.use.width
            block = plan.convert(chunk)
            values[top:bottom, left:right] = block if block.ndim == 2 else block[:, None]
            left = right
        top = bottom
    return values


def _plan_number(column: Column, exact_shift: bool) -> Plan:
    """The plan of a number; the number of its levels matters where nobody has said that it is one."""
    name, kind, values = column.name, column.kind, column.values
    low, high = ends(values)
    if low == high:
        return left_out(name, kind, str(plain_value(values[0])))
    encoding = _ENCODINGS.get(kind, "as it is")
    convert: Convert = numbers
    if kind == "integer" and exact_shift and close(low, high):
        convert, encoding = difference(low), f"minus {low}"
        said = f"'{name}' holds integers beyond 2^53: used as the difference to its minimum {low}, exactly"
        remarks: tuple[str, ...] = (said,)
    else:
        remarks = rounding(name, values, low, high, numbers)
    levels = _few_levels(values) if kind == "integer" and column.asked is None else None
    return Plan(ColumnUse(name, kind, 1, encoding, levels), (name,), convert, remarks=remarks)


def _few_levels(values: Any) -> int | None:
    """The number of different values if they could be labels: at most FEW_LEVELS, and not too many for the rows. Most
    columns have more in their first rows."""
    levels: set[int] = set()
    for part in (values.slice(0, _FEWEST_ROWS), *slices(values.slice(_FEWEST_ROWS))):
        levels.update(pc.unique(part).to_pylist())
        if len(levels) > FEW_LEVELS:
            return None
    return None if too_many(len(levels), len(values)) else len(levels)


def numbers(chunk: Any) -> npt.NDArray[Any]:
    """The values of one chunk without missing ones, shape (n,), as NumPy numbers: plain, 0/1, days or seconds."""
    types, type_ = pa.types, chunk.type
    if types.is_date32(type_):
        return stored(chunk).astype(np.float64)
    if types.is_date64(type_):
        return stored(chunk) / 86_400_000.0
    if types.is_timestamp(type_):
        # Whole days and the rest apart: one division of nanoseconds would first round them to float64.
        per_day = 86_400 * UNITS_PER_SECOND[type_.unit]
        whole, rest = np.divmod(stored(chunk), per_day)
        return whole + rest / per_day
    if types.is_time32(type_) or types.is_time64(type_) or types.is_duration(type_):
        return stored(chunk) * (1.0 / UNITS_PER_SECOND[type_.unit])
    if types.is_decimal(type_):
        chunk = chunk.cast(pa.float64())
    values: npt.NDArray[Any] = chunk.to_numpy(zero_copy_only=False)
    return values


def _plan_list(column: Column, exact_shift: bool) -> Plan:
    """The plan of a column of lists: one array column for each entry that varies."""
    name, width = column.name, list_width(column)
    first = list_entries(column.values.slice(0, 1).combine_chunks(), width)
    varies = np.zeros(width, dtype=np.bool_)
    for chunk in slices(column.values):
        varies |= np.any(list_entries(chunk, width) != first, axis=0)
        if varies.all():
            break
    varying = np.flatnonzero(varies)
    if len(varying) == 0:
        return left_out(name, "list", f"one list of {width} numbers")
    names = tuple(f"{name}[{i}]" for i in varying)
    convert, remarks = _list_conversion(column, width, varying, exact_shift)
    if len(varying) == width:
        return Plan(ColumnUse(name, "list", width, f"{width} entries, one column each"), names, convert, None, remarks)
    use = ColumnUse(name, "list", len(varying), f"{len(varying)} of {width} entries; the others are constant")
    remark = f"{width - len(varying)} of the {width} entries of '{name}' are constant and were left out"
    return Plan(use, names, convert, remarks=(remark, *remarks))


def _list_conversion(
    column: Column, width: int, varying: npt.NDArray[np.intp], exact_shift: bool
) -> tuple[Convert, tuple[str, ...]]:
    """What turns a chunk of lists of so many entries into those that are `varying`, and what to say of them."""
    remarks: tuple[str, ...] = ()
    least: npt.NDArray[Any] | None = None
    if list_entries(column.values.slice(0, 1).combine_chunks(), width).dtype in (np.int64, np.uint64):
        least, remarks = least_entries(
            column.name, column.values, lambda chunk: list_entries(chunk, width), exact_shift
        )

    def convert(chunk: Any) -> npt.NDArray[Any]:
        entries = list_entries(chunk, width)
        if least is not None:
            entries = entries - least
        return entries if len(varying) == width else entries[:, varying]

    return convert, remarks


def list_width(column: Column) -> int:
    """The length that all lists of a column share. Raises DataError for ragged or empty lists."""
    width: int | None = None
    start = 0
    for chunk in column.values.chunks:
        plain = chunk.storage if isinstance(chunk.type, pa.BaseExtensionType) else chunk
        lengths = pc.list_value_length(plain)
        for extreme in pc.min_max(lengths).as_py().values():
            if extreme is None:
                continue
            width = extreme if width is None else width
            if extreme != width:
                row = start + pc.index(lengths, pa.scalar(extreme, lengths.type)).as_py()
                raise DataError(
                    f"column '{column.name}' holds lists of different lengths: {width} and {extreme} (row {row})",
                    hint="all lists of a column must be equally long to become columns",
                )
        start += len(chunk)
    if not width:
        raise DataError(f"column '{column.name}' holds empty lists", hint="choose another column")
    return width


def list_entries(chunk: Any, width: int) -> npt.NDArray[Any]:
    """The entries of one chunk of lists of `width` numbers, shape (rows, width)."""
    plain = chunk.storage if isinstance(chunk.type, pa.BaseExtensionType) else chunk
    values: npt.NDArray[Any] = plain.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(chunk), width)


def describe_group(group: str, plans: Sequence[Plan]) -> tuple[str, ...]:
    """Plain sentences on what was done to the columns of a group; nothing where all were numbers already."""
    notes = []
    for word, kinds in (("as categories (0/1 columns)", ("category", "text")), ("as 0/1", ("boolean",))):
        used = [f"'{p.use.name}' ({p.use.encoding})" for p in plans if p.use.kind in kinds and p.use.width]
        if used:
            notes.append(f"{group}: used {word}: {_listed(used)}")
    for word, kind in (("in days since 1970-01-01", "date"), ("in seconds", "seconds")):
        used = [f"'{p.use.name}'" for p in plans if p.use.kind == kind and p.use.width]
        if used:
            notes.append(f"{group}: used {word}: {_listed(used)}")
    constant = [f"'{p.use.name}' (only {p.constant})" for p in plans if p.constant is not None]
    if constant:
        notes.append(f"{group}: left out because constant: {_listed(constant)}")
    if perhaps := [p.use for p in plans if p.use.perhaps_labels]:
        notes.append(f"{group}: {_perhaps_labels(perhaps)}")
    return (*notes, *(f"{group}: {remark}" for p in plans for remark in p.remarks))


def _perhaps_labels(uses: Sequence[ColumnUse]) -> str:
    """What to say of numbers that may be labels.

    >>> _perhaps_labels([ColumnUse("label", "integer", 1, "as it is", 10)])
    "'label' has 10 levels and is used as a number; if these are labels: --categorical label"
    """
    names = [use.name for use in uses]
    option = typed(names) if len(names) <= _NAMED else "COLS"
    if len(uses) == 1:
        said = f"'{names[0]}' has {uses[0].levels} levels and is used as a number"
    else:
        said = "used as numbers: " + _listed([f"'{use.name}' ({use.levels} levels)" for use in uses])
    return f"{said}; if these are labels: --categorical {option}"


def _listed(items: Sequence[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")
