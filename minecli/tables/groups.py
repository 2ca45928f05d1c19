"""From a source and two lists of selectors to two float64 arrays with equal rows: the main entrance of this
room.

The order of steps is part of what a user may rely on: columns are named; infinity anywhere in them is an
error; rows with a missing value in any named column are an error or dropped; only then is a sample drawn;
levels of categories and constant columns are judged on the rows that remain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.runtime.seeds import generator
from minecli.tables.arrays import build_array, describe_group, list_width, plan_column
from minecli.tables.columns import counted, select_groups
from minecli.tables.kinds import Array, ColumnUse, Plan, column_kind
from minecli.tables.missing import (
    Mask,
    MissingPolicy,
    find_missing,
    refuse_infinite,
    refuse_missing,
)
from minecli.tables.reading import Reading, open_table

RowNumbers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Group:
    """One variable. `values` (n, d), float64, C-contiguous, finite; `names` one per array column ("age",
    "color=red", "emb[3]"); `columns` one per column of the file, those left out as constant included."""

    values: Array
    names: tuple[str, ...]
    columns: tuple[ColumnUse, ...]


@dataclass(frozen=True)
class Groups:
    """X and Z with what happened on the way to them.

    `row_numbers` (n,) integers: the rows kept, counted from 0 in the file (over all parts in order, the header
    not counted). `rows_sampled_from` is the number of rows the sample was drawn from, None where all were
    taken. `notes` are plain sentences for the person; `metadata` is what the file carries under the product's
    own prefix, such as the true mutual information of a generated sample.
    """

    x: Group
    z: Group
    row_numbers: RowNumbers
    rows_read: int
    rows_dropped: int
    rows_sampled_from: int | None
    source: str
    format: str
    notes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def load_groups(
    source: str,
    x: Sequence[str],
    z: Sequence[str],
    *,
    input_format: str | None = None,
    delimiter: str | None = None,
    na_values: Sequence[str] = (),
    missing: MissingPolicy = "error",
    sample: int | None = None,
    seed: int = 0,
    stdin: BinaryIO | None = None,
) -> Groups:
    """Read the columns that `x` and `z` select (grammar: `tables.columns`) into two arrays.

    `source`: a path, a folder or glob of Parquet parts, a URL, or "-" for the stream `stdin`. `missing`:
    "drop" leaves out each row with a null or NaN in a named column of either group. `sample`: so many rows at
    random without replacement, `seed` deciding which, kept in file order; asking for more rows than there are
    takes all. Encodings of columns that are no numbers: `tables.arrays`.

    >>> import io
    >>> text = io.BytesIO(b"a,b\\n1,red\\n2,blue\\n4,red\\n3,blue\\n5,red\\n")
    >>> groups = load_groups("-", ["a"], ["b"], stdin=text)
    >>> groups.x.values.shape, groups.z.names, groups.z.columns[0].encoding
    ((5, 1), ('b=red',), "1 for 'red', 0 for 'blue'")

    Raises UsageError for selectors or options that do not fit, DataError for what cannot be read or used.
    """
    if missing not in ("error", "drop"):
        raise UsageError(f"--missing is '{missing}'; it must be error or drop")
    if sample is not None and sample < 1:
        raise UsageError(f"--sample is {sample}; it must be at least 1")
    table = open_table(source, Reading(input_format=input_format, delimiter=delimiter, na_values=na_values), stdin)
    in_x, in_z = select_groups(x, z, table.names, source=source)
    columns = _read_columns(table.read([*in_x, *in_z]))
    total = len(next(iter(columns.values())))
    for name, column in columns.items():
        if column_kind(name, column.type) == "list":
            list_width(name, column)
    refuse_infinite(columns)
    absence = find_missing(columns)
    if missing == "error":
        refuse_missing(absence, total)
    kept, sampled_from = _rows_to_keep(absence.rows, total, sample, seed)
    if absence.dropped == total:
        worst = max(absence.counts, key=lambda name: absence.counts[name])
        raise DataError(
            f"no row is left: each of {counted(total, 'row')} has a missing value; "
            f"column '{worst}' alone has {absence.counts[worst]}",
            hint=f"leave '{worst}' out of --x and --z",
        )
    notes = list(table.notes)
    if absence.dropped:
        notes.append(f"dropped {absence.dropped} of {counted(total, 'row')} because of missing values")
    if sample is not None and sampled_from is None:
        notes.append(f"all of {counted(total - absence.dropped, 'row')} are used: a sample of {sample} was asked for")
    x_group, x_notes = _build("x", in_x, columns, kept)
    z_group, z_notes = _build("z", in_z, columns, kept)
    # Half the memory where it does: the numbers of ten million rows lie beside two columns of them.
    narrow = np.int32 if total < 2**31 else np.int64
    numbers: RowNumbers = np.arange(total, dtype=narrow) if kept is None else np.flatnonzero(kept)
    # Arrow keeps freed memory for later columns; none will come, and the estimators need it.
    pa.default_memory_pool().release_unused()
    return Groups(
        x_group,
        z_group,
        numbers,
        total,
        absence.dropped,
        sampled_from,
        source,
        table.format,
        (*notes, *x_notes, *z_notes),
        table.metadata,
    )


def _read_columns(table: Any) -> dict[str, Any]:
    """The columns one by one, so that each can be freed as soon as it is used."""
    return {name: table.column(name) for name in table.column_names}


def _rows_to_keep(absent: Mask | None, total: int, sample: int | None, seed: int) -> tuple[Mask | None, int | None]:
    """Which rows stay (None: all) and how many the sample was drawn from (None: no sample was drawn)."""
    kept = None if absent is None else ~absent
    available = total if kept is None else int(kept.sum())
    if sample is None or sample >= available:
        return kept, None
    chosen = generator(seed, "table", "rows").choice(available, size=sample, replace=False, shuffle=False)
    rows = chosen if kept is None else np.flatnonzero(kept)[chosen]
    picked = np.zeros(total, dtype=np.bool_)
    picked[rows] = True
    return picked, available


def _build(
    group: str, names: Sequence[str], columns: dict[str, Any], kept: Mask | None
) -> tuple[Group, tuple[str, ...]]:
    """Take the group's columns out of `columns` and make its array."""
    mask = None if kept is None else pa.array(kept)
    plans: list[Plan] = []
    arrow: list[Any] = []
    for name in names:
        column = columns.pop(name)
        if mask is not None:
            column = column.filter(mask)
        plans.append(plan_column(name, column, kept))
        arrow.append(column)
    rows = len(arrow[0])
    if all(plan.use.width == 0 for plan in plans):
        raise _constant(group, plans, rows)
    values = build_array(arrow, plans)
    array_names = tuple(name for plan in plans for name in plan.names)
    uses = tuple(plan.use for plan in plans)
    return Group(values, array_names, uses), describe_group(group, plans)


def _constant(group: str, plans: Sequence[Plan], rows: int) -> DataError:
    if rows == 1:
        return DataError("only one row is left, and a dependence cannot be seen in one", hint="give more rows")
    listed = ", ".join(f"column '{p.use.name}' holds only {p.constant}" for p in plans[:3])
    more = f" and so on for {len(plans) - 3} more" if len(plans) > 3 else ""
    return DataError(
        f"{group} is constant: {listed}{more} in {rows} rows; the mutual information with a constant is 0",
        hint=f"name a column that varies in --{group}",
    )
