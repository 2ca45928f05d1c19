"""From a source and one or two lists of selectors to float64 arrays with equal rows: the main entrance of this
room.

The order of steps is part of what a user may rely on: columns are named; infinity anywhere in them is an
error; rows with a missing value in any named column are an error or dropped; only then is a sample drawn;
levels of categories and constant columns are told from the rows that remain, and what a person says that a column is
goes before what its type says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import numpy as np

from minecli.errors import DataError, UsageError
from minecli.tables.arrays import build_array, describe_group, plan_column
from minecli.tables.asked_kinds import as_asked, asked_kinds
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.sources import label_of
from minecli.tables.kinds import Array, Column, ColumnUse, Mask, Plan
from minecli.tables.missing import fill_missing
from minecli.tables.origins import Origin, origin_of
from minecli.tables.selectors.grammar import select_columns, select_groups
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import counted
from minecli.tables.usable_rows import Chosen, RowNumbers, UsableRows, usable_rows
from minecli.tables.wanted import DEFAULT_WANTED, Wanted

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


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the rows of arrays come from, and what happened on the way.

    `row_numbers` (n,) integers: the rows used, counted from 0 in the file (over all parts in order, the header
    not counted). `rows_sampled_from` is the number of rows the sample was drawn from, None where all were
    used. `notes` are plain sentences for the person; `metadata` is what the file carries under the product's
    own prefix, such as the true mutual information of a generated sample.
    """

    row_numbers: RowNumbers
    rows_read: int
    rows_dropped: int
    rows_sampled_from: int | None
    source: str
    format: str
    notes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Groups(Provenance):
    """X and Z, with the same n rows."""

    x: Group
    z: Group

    @property
    def constant(self) -> tuple[str, ...]:
        """Which groups ("x", "z") hold nothing but constant columns."""
        return tuple(name for name, group in (("x", self.x), ("z", self.z)) if group.values.shape[1] == 0)


@dataclass(frozen=True, kw_only=True)
class OneGroup(Provenance):
    """One variable alone, and `origins`, one per column of the file, from which values like those of the file can be
    made of rows of the array again. `absent` (n, columns of the file) says what was missing, and means nothing in the
    array; None where nothing is."""

    group: Group
    origins: tuple[Origin, ...]
    absent: Mask | None = None


def load_groups(
    source: str | Sequence[str] | OpenTable,
    x: Sequence[str],
    z: Sequence[str],
    wanted: Wanted = DEFAULT_WANTED,
    *,
    constant: Literal["error", "allow"] = "error",
    stdin: BinaryIO | None = None,
) -> Groups:
    """Read the columns that `x` and `z` select (grammar: `tables.selectors.grammar`) into two arrays.

    `source`: a path, a folder or glob of parts, a URL, or "-" for the stream `stdin`; or several, one after the other;
    or a table in memory (`tables.frames`).
    `wanted`: how it is read, what columns are, and which rows are used. `constant`: whether a group may hold nothing
    but constant columns; its array then has no column. Encodings of columns that are no numbers: `tables.arrays`.

    >>> import io
    >>> text = io.BytesIO(b"a,b\\n1,red\\n2,blue\\n4,red\\n3,blue\\n5,red\\n")
    >>> groups = load_groups("-", ["a"], ["b"], stdin=text)
    >>> groups.x.values.shape, groups.z.names, groups.z.columns[0].encoding
    ((5, 1), ('b=red',), "1 for 'red', 0 for 'blue'")

    Raises UsageError for selectors or options that do not fit, DataError for what cannot be read or used.
    """

    if wanted.missing == "learn":
        raise UsageError("--missing is 'learn'; it must be error or drop", hint="--missing drop leaves rows out")

    def choose(header: Header) -> Chosen:
        groups = select_groups(x, z, header, source=label_of(source))
        return Chosen(groups, asked_kinds(wanted.categorical, wanted.numeric, header, source=label_of(source)))

    rows = usable_rows(source, choose, wanted, stdin, "--x and --z")
    in_x, in_z = rows.selections
    why_not = None if constant == "allow" else _NO_INFORMATION
    x_group, x_notes = _build("x", in_x, rows, why_not)
    z_group, z_notes = _build("z", in_z, rows, why_not)
    return Groups(x=x_group, z=z_group, **_provenance(rows, source, *x_notes, *z_notes))


def load_group(
    source: str | Sequence[str],
    columns: Sequence[str],
    wanted: Wanted = DEFAULT_WANTED,
    *,
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

    def choose(header: Header) -> Chosen:
        selection = select_columns(columns, header, source=label_of(source))
        asked = asked_kinds(wanted.categorical, wanted.numeric, header, source=label_of(source))
        return Chosen((selection,), asked)

    rows = usable_rows(source, choose, wanted, stdin, "--x")
    return learnable_group(rows, source)


def learnable_group(rows: UsableRows, source: str | Sequence[str]) -> OneGroup:
    """The first selection of `rows` as a group from which something can be learned; see `load_group`. Other columns
    must have been asked for before."""
    _refuse_few(rows)
    origins: list[Origin] = []
    absent = np.zeros((rows.used, len(rows.selections[0])), np.bool_)
    group, notes = _build("x", rows.selections[0], rows, _NOTHING_TO_LEARN, origins, absent)
    return OneGroup(
        group=group,
        origins=tuple(origins),
        absent=absent if absent.any() else None,
        **_provenance(rows, source, *notes),
    )


def _provenance(rows: UsableRows, source: str | Sequence[str] | OpenTable, *notes: str) -> dict[str, Any]:
    """The fields of `Provenance`, `notes` added to those on the rows; the last that is asked of `rows`."""
    return {
        "row_numbers": rows.numbers(),
        "rows_read": rows.total,
        "rows_dropped": rows.dropped,
        "rows_sampled_from": rows.sampled_from,
        "source": label_of(source),
        "format": rows.table.format,
        "notes": (*rows.notes, *notes),
        "metadata": rows.table.metadata,
    }


_NO_INFORMATION = "the mutual information with a constant is 0"
_NOTHING_TO_LEARN = "there is nothing to learn from a constant"


def _build(
    group: str,
    names: Sequence[str],
    rows: UsableRows,
    why_not: str | None,
    origins: list[Origin] | None = None,
    absent: Mask | None = None,
) -> tuple[Group, tuple[str, ...]]:
    """Make the array of the group's columns out of `rows`; where `origins` are wanted they are added, what is missing
    is flagged in `absent`, (n, columns), and the array may not become too wide. `why_not` is what speaks against a
    group of constants; None allows it."""
    columns: list[Column] = []
    plans: list[Plan] = []
    for place, name in enumerate(names):
        column = rows.pop(name)
        if absent is not None:
            values, gone = fill_missing(name, column.values)
            if gone is not None:
                absent[:, place] = gone
                column = column.holding(values)
        columns.append(as_asked(column, rows.decimal))
        # A shift is sound only where no values of the column are written back.
        plans.append(plan_column(columns[-1], exact_shift=origins is None))
    varies = absent is not None and bool(absent.any())
    if not varies and all(plan.use.width == 0 for plan in plans) and (why_not or rows.used == 1):
        raise _constant(group, plans, rows.used, why_not or "")
    if origins is not None:
        _refuse_wide(group, plans)
        origins.extend(origin_of(column, plan) for column, plan in zip(columns, plans, strict=True))
    values = build_array([column.values for column in columns], plans)
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


def _refuse_few(rows: UsableRows) -> None:
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
