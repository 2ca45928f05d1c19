"""From a source and one or two lists of selectors to float64 arrays with equal rows: the main entrance of this
room.

The order of steps is part of what a user may rely on: columns are named; infinity anywhere in them is an
error; rows with a missing value in any named column are an error or dropped; only then is a sample drawn;
levels of categories and constant columns are judged on the rows that remain, and what a person says that a column is
goes before what its type says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from minecli.errors import DataError, UsageError
from minecli.tables.arrays import build_array, describe_group, plan_column
from minecli.tables.asked_kinds import as_asked, asked_kinds
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.sources import label_of
from minecli.tables.kinds import Array, ColumnUse, Plan
from minecli.tables.missing import MissingPolicy
from minecli.tables.origins import Origin, origin_of
from minecli.tables.selectors.grammar import counted, select_columns, select_groups
from minecli.tables.selectors.header import Header
from minecli.tables.usable_rows import Chosen, RowNumbers, UsableRows, Wanted, usable_rows

_AS_FOUND = Reading()
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

    @property
    def constant(self) -> tuple[str, ...]:
        """Which groups ("x", "z") hold nothing but constant columns."""
        return tuple(name for name, group in (("x", self.x), ("z", self.z)) if group.values.shape[1] == 0)


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
    source: str | Sequence[str] | OpenTable,
    x: Sequence[str],
    z: Sequence[str],
    *,
    reading: Reading = _AS_FOUND,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    missing: MissingPolicy = "error",
    constant: Literal["error", "allow"] = "error",
    sample: int | None = None,
    seed: int = 0,
    stdin: BinaryIO | None = None,
) -> Groups:
    """Read the columns that `x` and `z` select (grammar: `tables.selectors.grammar`) into two arrays.

    `source`: a path, a folder or glob of parts, a URL, or "-" for the stream `stdin`; or several, one after the other;
    or a table in memory (`tables.frames`).
    `reading`: how it is read. `missing`:
    "drop" leaves out each row with a null or NaN in a named column of either group. `sample`: so many rows at
    random without replacement, `seed` deciding which, kept in file order; asking for more rows than there are
    takes all. Encodings of columns that are no numbers: `tables.arrays`. `categorical` and `numeric` select columns
    that are labels or numbers whatever their types say; of those selected, columns of neither group are passed over.
    `constant`: whether a group may hold nothing but constant columns; its array then has no column.

    >>> import io
    >>> text = io.BytesIO(b"a,b\\n1,red\\n2,blue\\n4,red\\n3,blue\\n5,red\\n")
    >>> groups = load_groups("-", ["a"], ["b"], stdin=text)
    >>> groups.x.values.shape, groups.z.names, groups.z.columns[0].encoding
    ((5, 1), ('b=red',), "1 for 'red', 0 for 'blue'")

    Raises UsageError for selectors or options that do not fit, DataError for what cannot be read or used.
    """
    wanted = Wanted(reading, missing, sample, seed)

    def choose(header: Header) -> Chosen:
        groups = select_groups(x, z, header, source=label_of(source))
        return Chosen(groups, asked_kinds(categorical, numeric, header, source=label_of(source)))

    rows = usable_rows(source, choose, wanted, stdin, "--x and --z")
    in_x, in_z = rows.selections
    why_not = None if constant == "allow" else _NO_INFORMATION
    x_group, x_notes = _build("x", in_x, rows, why_not)
    z_group, z_notes = _build("z", in_z, rows, why_not)
    return Groups(
        x_group,
        z_group,
        rows.numbers(),
        rows.total,
        rows.dropped,
        rows.sampled_from,
        label_of(source),
        rows.table.format,
        (*rows.notes, *x_notes, *z_notes),
        rows.table.metadata,
    )


def load_group(
    source: str | Sequence[str],
    columns: Sequence[str],
    *,
    reading: Reading = _AS_FOUND,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
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
    wanted = Wanted(reading, missing, sample, seed)

    def choose(header: Header) -> Chosen:
        selection = select_columns(columns, header, source=label_of(source))
        return Chosen((selection,), asked_kinds(categorical, numeric, header, source=label_of(source)))

    rows = usable_rows(source, choose, wanted, stdin, "--x")
    return learnable_group(rows, source)


def learnable_group(rows: UsableRows, source: str | Sequence[str]) -> OneGroup:
    """The first selection of `rows` as a group from which something can be learned; see `load_group`. Other columns
    must have been taken before."""
    _refuse_few(rows)
    origins: list[Origin] = []
    group, notes = _build("x", rows.selections[0], rows, _NOTHING_TO_LEARN, origins)
    return OneGroup(
        group,
        tuple(origins),
        rows.numbers(),
        rows.total,
        rows.dropped,
        rows.sampled_from,
        label_of(source),
        rows.table.format,
        (*rows.notes, *notes),
        rows.table.metadata,
    )


_NO_INFORMATION = "the mutual information with a constant is 0"
_NOTHING_TO_LEARN = "there is nothing to learn from a constant"


def _build(
    group: str, names: Sequence[str], rows: UsableRows, why_not: str | None, origins: list[Origin] | None = None
) -> tuple[Group, tuple[str, ...]]:
    """Take the group's columns out of `rows` and make its array; where `origins` are wanted they are added, and the
    array may not become too wide. `why_not` is what speaks against a group of constants; None allows it."""
    plans: list[Plan] = []
    arrow: list[Any] = []
    for name in names:
        asked = rows.asked.of(name)
        column = as_asked(name, rows.take(name), asked, rows.kept, rows.decimal)
        # A shift is sound only where no values of the column are written back.
        plans.append(plan_column(name, column, rows.kept, asked, exact_shift=origins is None))
        arrow.append(column)
    if all(plan.use.width == 0 for plan in plans) and (why_not or len(arrow[0]) == 1):
        raise _constant(group, plans, len(arrow[0]), why_not or "")
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
