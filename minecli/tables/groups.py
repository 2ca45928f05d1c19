"""From a source and one or two lists of selectors to float64 arrays with equal rows: the main entrance of this
room.

The order of steps is part of what a user may rely on: columns are named; infinity anywhere in them is an
error; rows with a missing value in any named column are an error or dropped; only then is a sample drawn;
levels of categories and constant columns are judged on the rows that remain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.runtime.seeds import generator
from minecli.tables.arrays import build_array, describe_group, list_width, plan_column
from minecli.tables.columns import counted, select_columns, select_groups
from minecli.tables.kinds import Array, ColumnUse, Plan, column_kind
from minecli.tables.missing import (
    Mask,
    MissingPolicy,
    find_missing,
    refuse_infinite,
    refuse_missing,
)
from minecli.tables.origins import Origin, origin_of
from minecli.tables.reading import OpenTable, Reading, open_table

RowNumbers = npt.NDArray[np.integer[Any]]
Selections = tuple[tuple[str, ...], ...]

# Of a table from which new rows are to be learned: with fewer rows there is nothing to learn from, and more columns
# are in practice one column that should not be among them, or not as it is.
FEWEST_ROWS = 20
MOST_FEATURES = 2000


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


@dataclass(frozen=True)
class OneGroup:
    """One variable alone: the fields of `Groups` with one group, and `origins`, one per column of the file, from
    which values like those of the file can be made of rows of the array again."""

    group: Group
    origins: tuple[Origin, ...]
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
    wanted = _Wanted(
        Reading(input_format=input_format, delimiter=delimiter, na_values=na_values), missing, sample, seed
    )
    rows = _read_rows(source, lambda names: select_groups(x, z, names, source=source), wanted, stdin, "--x and --z")
    in_x, in_z = rows.selections
    x_group, x_notes = _build("x", in_x, rows, _NO_INFORMATION)
    z_group, z_notes = _build("z", in_z, rows, _NO_INFORMATION)
    return Groups(
        x_group,
        z_group,
        _row_numbers(rows),
        rows.total,
        rows.dropped,
        rows.sampled_from,
        source,
        rows.table.format,
        (*rows.notes, *x_notes, *z_notes),
        rows.table.metadata,
    )


def load_group(
    source: str,
    columns: Sequence[str],
    *,
    input_format: str | None = None,
    delimiter: str | None = None,
    na_values: Sequence[str] = (),
    missing: MissingPolicy = "error",
    sample: int | None = None,
    seed: int = 0,
    stdin: BinaryIO | None = None,
) -> OneGroup:
    """Read the columns that `columns` select into one array from which new rows can be learned; spoken of as --x.

    The arguments are those of `load_groups`; the same seed draws the same sample.

    >>> import io
    >>> text = b"a,b\\n" + b"1,red\\n2,blue\\n" * 10
    >>> one = load_group("-", ["b,a"], stdin=io.BytesIO(text))
    >>> one.group.values.shape, one.group.names, one.origins[0].levels
    ((20, 2), ('b=red', 'a'), ('blue', 'red'))

    Raises what `load_groups` raises, DataError for fewer than FEWEST_ROWS rows, and UsageError for columns that make
    more than MOST_FEATURES array columns.
    """
    wanted = _Wanted(
        Reading(input_format=input_format, delimiter=delimiter, na_values=na_values), missing, sample, seed
    )
    rows = _read_rows(source, lambda names: (select_columns(columns, names, source=source),), wanted, stdin, "--x")
    _refuse_few(rows)
    origins: list[Origin] = []
    group, notes = _build("x", rows.selections[0], rows, _NOTHING_TO_LEARN, origins)
    return OneGroup(
        group,
        tuple(origins),
        _row_numbers(rows),
        rows.total,
        rows.dropped,
        rows.sampled_from,
        source,
        rows.table.format,
        (*rows.notes, *notes),
        rows.table.metadata,
    )


_NO_INFORMATION = "the mutual information with a constant is 0"
_NOTHING_TO_LEARN = "there is nothing to learn from a constant"


@dataclass(frozen=True)
class _Wanted:
    """How the file is read, and which of its rows are used."""

    reading: Reading
    missing: MissingPolicy
    sample: int | None
    seed: int

    def __post_init__(self) -> None:
        if self.missing not in ("error", "drop"):
            raise UsageError(f"--missing is '{self.missing}'; it must be error or drop")
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"--sample is {self.sample}; it must be at least 1")


@dataclass(frozen=True)
class _Rows:
    """The named columns of an open table, all rows of them, and which rows are used (`kept`; None: all)."""

    table: OpenTable
    selections: Selections
    columns: dict[str, Any]
    kept: Mask | None
    total: int
    dropped: int
    sampled_from: int | None
    notes: tuple[str, ...]

    @property
    def used(self) -> int:
        """How many rows are used."""
        return self.total if self.kept is None else int(self.kept.sum())


def _read_rows(
    source: str,
    choose: Callable[[Sequence[str]], Selections],
    wanted: _Wanted,
    stdin: BinaryIO | None,
    options: str,
) -> _Rows:
    """Read the columns that `choose` picks from the header, and decide which rows are used; `options` is what picked
    them, for a message."""
    table = open_table(source, wanted.reading, stdin)
    selections = choose(table.names)
    columns = _read_columns(table.read([name for selection in selections for name in selection]))
    total = len(next(iter(columns.values())))
    for name, column in columns.items():
        if column_kind(name, column.type) == "list":
            list_width(name, column)
    refuse_infinite(columns)
    absence = find_missing(columns)
    if wanted.missing == "error":
        refuse_missing(absence, total)
    kept, sampled_from = _rows_to_keep(absence.rows, total, wanted.sample, wanted.seed)
    dropped = absence.dropped
    if dropped == total:
        worst = max(absence.counts, key=lambda name: absence.counts[name])
        raise DataError(
            f"no row is left: each of {counted(total, 'row')} has a missing value; "
            f"column '{worst}' alone has {absence.counts[worst]}",
            hint=f"leave '{worst}' out of {options}",
        )
    notes = list(table.notes)
    if dropped:
        notes.append(f"dropped {dropped} of {counted(total, 'row')} because of missing values")
    if wanted.sample is not None and sampled_from is None:
        asked = f"a sample of {wanted.sample} was asked for"
        notes.append(f"all of {counted(total - dropped, 'row')} are used: {asked}")
    return _Rows(table, selections, columns, kept, total, dropped, sampled_from, tuple(notes))


def _row_numbers(rows: _Rows) -> RowNumbers:
    """The rows used, by number; the last that is asked of a table."""
    # Half the memory where it does: the numbers of ten million rows lie beside two columns of them.
    narrow = np.int32 if rows.total < 2**31 else np.int64
    numbers: RowNumbers = np.arange(rows.total, dtype=narrow) if rows.kept is None else np.flatnonzero(rows.kept)
    # Arrow keeps freed memory for later columns; none will come, and the estimators need it.
    pa.default_memory_pool().release_unused()
    return numbers


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
    group: str, names: Sequence[str], rows: _Rows, why_not: str, origins: list[Origin] | None = None
) -> tuple[Group, tuple[str, ...]]:
    """Take the group's columns out of `rows` and make its array; where `origins` are wanted they are added, and the
    array may not become too wide."""
    mask = None if rows.kept is None else pa.array(rows.kept)
    plans: list[Plan] = []
    arrow: list[Any] = []
    for name in names:
        column = rows.columns.pop(name)
        if mask is not None:
            column = column.filter(mask)
        plans.append(plan_column(name, column, rows.kept))
        arrow.append(column)
    if all(plan.use.width == 0 for plan in plans):
        raise _constant(group, plans, len(arrow[0]), why_not)
    if origins is not None:
        _refuse_wide(group, plans)
        origins.extend(origin_of(column, plan) for column, plan in zip(arrow, plans, strict=True))
    values = build_array(arrow, plans)
    array_names = tuple(name for plan in plans for name in plan.names)
    uses = tuple(plan.use for plan in plans)
    return Group(values, array_names, uses), describe_group(group, plans)


def _constant(group: str, plans: Sequence[Plan], rows: int, why_not: str) -> DataError:
    if rows == 1:
        return DataError("only one row is left, and a dependence cannot be seen in one", hint="give more rows")
    listed = ", ".join(f"column '{p.use.name}' holds only {p.constant}" for p in plans[:3])
    more = f" and so on for {len(plans) - 3} more" if len(plans) > 3 else ""
    return DataError(
        f"{group} is constant: {listed}{more} in {rows} rows; {why_not}",
        hint=f"name a column that varies in --{group}",
    )


def _refuse_few(rows: _Rows) -> None:
    if rows.used >= FEWEST_ROWS:
        return
    if rows.sampled_from is not None and rows.sampled_from >= FEWEST_ROWS:
        problem = f"--sample is {rows.used}; at least {FEWEST_ROWS} rows are needed to learn from"
        raise UsageError(problem, hint=f"{rows.sampled_from} rows can be used: leave --sample out")
    of_all = f" of {rows.total}: {rows.dropped} have missing values" if rows.dropped else ""
    hint = "leave out the columns that miss most, or collect more rows" if rows.dropped else "collect more rows"
    problem = f"there are {counted(rows.used, 'usable row')}{of_all}; at least {FEWEST_ROWS} are needed to learn from"
    raise DataError(problem, hint=hint)


def _refuse_wide(group: str, plans: Sequence[Plan]) -> None:
    width = sum(plan.use.width for plan in plans)
    if width <= MOST_FEATURES:
        return
    widest = max(plans, key=lambda plan: plan.use.width).use
    blame = f"column '{widest.name}' alone makes {widest.width}" if widest.width > 1 else "each makes one"
    raise UsageError(
        f"--{group} makes {width} features of {counted(len(plans), 'column')}, and {blame}; "
        f"at most {MOST_FEATURES} can be learned",
        hint=f"take it out: --{group} 'SELECTORS,!{widest.name}'" if widest.width > 1 else "name fewer columns",
    )
