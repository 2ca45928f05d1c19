"""From a source to the named columns of its usable rows, still as Arrow arrays: read, searched for what is
infinite or missing, and sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError
from minecli.runtime.seeds import generator
from minecli.tables.arrays import list_width
from minecli.tables.asked_kinds import AskedKinds
from minecli.tables.files.formats import TEXT_FORMATS
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.reading import open_table, row_filter_of
from minecli.tables.kinds import Column, Mask, filterable
from minecli.tables.missing import Absence, find_missing, refuse_infinite, refuse_missing, wording_of_missing
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import counted
from minecli.tables.wanted import Wanted

RowNumbers = npt.NDArray[np.integer[Any]]
Selections = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chosen:
    """The columns wanted, in groups, and what a person says that some of the table's columns are; `whole`: the table's
    rows are wanted as they are as well."""

    selections: Selections
    asked: AskedKinds = field(default_factory=AskedKinds)
    whole: bool = False


@dataclass(frozen=True)
class UsableRows:
    """The chosen columns of an open table, all `total` rows of them, and which rows are used (`mask`; None: all).

    `dropped` rows have a missing value; `sampled_from` is how many rows a sample was drawn from, None where all are
    used. `decimal` is the mark in numbers that are text; `notes` are for the person; `raw` is an
    Arrow table of all columns, where that was wanted, whatever they hold.
    """

    table: OpenTable
    selections: Selections
    columns: dict[str, Column]
    mask: Mask | None
    total: int
    dropped: int
    sampled_from: int | None
    notes: tuple[str, ...]
    decimal: str = "."
    raw: Any = None

    @property
    def used(self) -> int:
        """How many rows are used."""
        return self.total if self.mask is None else int(self.mask.sum())

    def pop(self, name: str) -> Column:
        """A column's used rows. It is held no longer, so that its memory is free as soon as it is no longer needed;
        KeyError for a column that is not held."""
        column = self.columns.pop(name)
        values = filterable(column.values)
        if self.mask is None:
            return replace(column, values=values)
        return replace(column, values=values.filter(self._arrow_mask), rows=self.mask)

    def whole(self) -> dict[str, Any]:
        """All columns of the used rows as Arrow has them, by name and in the order of the table, where `Chosen.whole`
        asked for them."""
        columns = {name: filterable(self.raw.column(name)) for name in self.raw.column_names}
        return columns if self.mask is None else {n: c.filter(self._arrow_mask) for n, c in columns.items()}

    @cached_property
    def _arrow_mask(self) -> Any:
        return pa.array(self.mask)

    def numbers(self) -> RowNumbers:
        """The rows used, by number; the last that is asked of a table."""
        # Half the memory where it does: the numbers of ten million rows lie beside two columns of them.
        narrow = np.int32 if self.total < 2**31 else np.int64
        numbers: RowNumbers = np.arange(self.total, dtype=narrow) if self.mask is None else np.flatnonzero(self.mask)
        # Arrow keeps freed memory for later columns; none will come, and the estimators need it.
        pa.default_memory_pool().release_unused()
        return numbers


def usable_rows(
    source: str | Sequence[str] | OpenTable,
    choose: Callable[[Header], Chosen],
    wanted: Wanted,
    stdin: BinaryIO | None,
    options: str,
) -> UsableRows:
    """Read the columns that `choose` picks from the header, and decide which rows are used.

    Args:
        source: a path, a folder or glob of Parquet parts, a URL, or "-" for the stream `stdin`; or several;
            or a table in memory.
        options: what picked the columns, for a message.

    Raises:
        DataError: what cannot be read, infinite values, missing values where they are not to be dropped, no row left.
        UsageError: options that do not fit the format, and what `choose` raises.
    """
    table = open_table(source, wanted.reading, stdin, wanted.as_text)
    chosen = choose(table.header)
    columns, eligible, raw = _read(table, chosen, wanted.reading)
    total = raw.num_rows
    satisfying = total if eligible is None else int(eligible.sum())
    if satisfying == 0:
        raise DataError(
            f"no row is left: --where keeps none of {counted(total, 'row')}", hint=f"it says {wanted.reading.where}"
        )
    values = {name: column.values for name, column in columns.items()}
    refuse_infinite(values, eligible)
    absence = find_missing(values, eligible)
    if wanted.missing == "error":
        refuse_missing(absence, satisfying, _words_for_missing(table, values, absence, wanted.reading))
    leaves_out = wanted.missing == "drop"
    mask, sampled_from = _sampled(_complete(absence.rows if leaves_out else None, eligible), total, wanted)
    dropped = absence.dropped if leaves_out else 0
    if dropped == satisfying:
        worst = max(absence.counts, key=lambda name: absence.counts[name])
        raise DataError(
            f"no row is left: each of {counted(satisfying, 'row')} has a missing value; "
            f"column '{worst}' alone has {absence.counts[worst]}",
            hint=f"leave '{worst}' out of {options}",
        )
    notes = list(table.notes)
    if eligible is not None:
        notes.append(f"--where keeps {satisfying} of {counted(total, 'row')}")
    if dropped:
        notes.append(f"dropped {dropped} of {counted(satisfying, 'row')} because of missing values")
    if absence.counts and wanted.missing == "learn":
        notes.append(f"missing values are learnt as such: {wording_of_missing(absence)}")
    if wanted.sample is not None and sampled_from is None:
        asked = f"a sample of {wanted.sample} was asked for"
        notes.append(f"all of {counted(satisfying - dropped, 'row')} are used: {asked}")
    notes.extend(chosen.asked.without_effect(columns, options))
    counts, decimal = (total, dropped, sampled_from), wanted.reading.decimal
    raw = raw.select(list(table.names)) if chosen.whole else None
    return UsableRows(table, chosen.selections, columns, mask, *counts, tuple(notes), decimal, raw)


def _read(table: OpenTable, chosen: Chosen, reading: Reading) -> tuple[dict[str, Column], Mask | None, Any]:
    """The chosen columns one by one, so that each can be freed as soon as it is used, the rows that satisfy the
    condition (None: all), and the Arrow table that was read."""
    named = [name for selection in chosen.selections for name in selection]
    condition = row_filter_of(table, reading)
    more = table.names if chosen.whole else ()
    rows = table.read(list(dict.fromkeys([*named, *(condition.columns if condition else ()), *more])))
    eligible = None if condition is None else condition.rows(rows)
    columns: dict[str, Column] = {}
    for name in named:
        columns[name] = Column.of(name, rows.column(name), chosen.asked.of(name))
        if columns[name].kind == "list":
            list_width(columns[name])
    return columns, eligible, rows


def _complete(absent: Mask | None, eligible: Mask | None) -> Mask | None:
    """The eligible rows without those in which a value is absent; None for all rows."""
    if absent is None:
        return eligible
    return ~absent if eligible is None else eligible & ~absent


def _words_for_missing(table: OpenTable, values: Mapping[str, Any], absence: Absence, reading: Reading) -> str:
    """What else to type where a word that stands for missing may be a level of a category."""
    text = table.format in TEXT_FORMATS and not reading.keep_na_strings
    if text and any(pa.types.is_string(values[name].type) for name in absence.counts):
        return "; if NA is a value like others: --keep-na-strings"
    return ""


def _sampled(complete: Mask | None, total: int, wanted: Wanted) -> tuple[Mask | None, int | None]:
    """Which of the `complete` rows are used (None: all), and how many a sample was drawn from (None: there is none)."""
    available = total if complete is None else int(complete.sum())
    if wanted.sample is None or wanted.sample >= available:
        return complete, None
    draws = generator(wanted.seed, "table", "rows")
    places = draws.choice(available, size=wanted.sample, replace=False, shuffle=False)
    mask = np.zeros(total, dtype=np.bool_)
    mask[places if complete is None else np.flatnonzero(complete)[places]] = True
    return mask, available
