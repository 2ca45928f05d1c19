"""From a source to the named columns of its usable rows, still as Arrow arrays: read, looked through for what is
infinite or missing, and sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError, UsageError
from minecli.runtime.seeds import generator
from minecli.tables.arrays import list_width
from minecli.tables.asked_kinds import AskedKinds
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.reading import open_table
from minecli.tables.kinds import column_kind
from minecli.tables.missing import Absence, Mask, MissingPolicy, find_missing, refuse_infinite, refuse_missing
from minecli.tables.selectors.grammar import counted
from minecli.tables.selectors.header import Header

if TYPE_CHECKING:
    from minecli.tables.selectors.where import RowFilter

RowNumbers = npt.NDArray[np.integer[Any]]
Selections = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Wanted:
    """How the file is read, and which of its rows are used: all without missing values, or a sample of them. Columns in
    `as_text` are text, whatever a text table holds in them."""

    reading: Reading
    missing: MissingPolicy
    sample: int | None = None
    seed: int = 0
    as_text: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.missing not in ("error", "drop"):
            raise UsageError(f"--missing is '{self.missing}'; it must be error or drop")
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"--sample is {self.sample}; it must be at least 1")


@dataclass(frozen=True)
class Chosen:
    """The columns wanted, in groups, and what a person says that some of the table's columns are."""

    selections: Selections
    asked: AskedKinds = field(default_factory=AskedKinds)


@dataclass(frozen=True)
class UsableRows:
    """The named columns of an open table, all rows of them, and which rows are used (`kept`; None: all). `decimal` is
    the mark in numbers that are text."""

    table: OpenTable
    selections: Selections
    asked: AskedKinds
    columns: dict[str, Any]
    kept: Mask | None
    total: int
    dropped: int
    sampled_from: int | None
    notes: tuple[str, ...]
    decimal: str = "."

    @property
    def used(self) -> int:
        """How many rows are used."""
        return self.total if self.kept is None else int(self.kept.sum())

    def take(self, name: str) -> Any:
        """A column's used rows; it can be taken once, so that its memory is free as soon as it is no longer needed."""
        column = self.columns.pop(name)
        if pa.types.is_string_view(column.type):  # as polars has them; Arrow cannot filter views
            column = column.cast(pa.large_string())
        return column if self._mask is None else column.filter(self._mask)

    @cached_property
    def _mask(self) -> Any:
        return None if self.kept is None else pa.array(self.kept)

    def numbers(self) -> RowNumbers:
        """The rows used, by number; the last that is asked of a table."""
        # Half the memory where it does: the numbers of ten million rows lie beside two columns of them.
        narrow = np.int32 if self.total < 2**31 else np.int64
        numbers: RowNumbers = np.arange(self.total, dtype=narrow) if self.kept is None else np.flatnonzero(self.kept)
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
        source: a path, a folder or glob of Parquet parts, a URL, or "-" for the stream `stdin`; or a table in memory.
        choose: from the names in the header to those wanted.
        wanted: what is missing and what is sampled.
        options: what picked the columns, for a message.

    Raises:
        DataError: what cannot be read, infinite values, missing values where they are not to be dropped, no row left.
        UsageError: options that do not fit the format, and what `choose` raises.
    """
    table = open_table(source, wanted.reading, stdin, wanted.as_text)
    chosen = choose(table.header)
    selections = chosen.selections
    named = [name for selection in selections for name in selection]
    where = _row_filter(wanted.reading)
    if where is not None:
        where.check(table.header, table.source)
    read = table.read(list(dict.fromkeys([*named, *(where.columns if where else ())])))
    eligible = None if where is None else where.rows(read)
    columns = _read_columns(read.select(named))
    total = read.num_rows
    del read
    for name, column in columns.items():
        if column_kind(name, column.type) == "list":
            list_width(name, column)
    satisfying = total if eligible is None else int(eligible.sum())
    if satisfying == 0:
        raise DataError(
            f"no row is left: --where keeps none of {counted(total, 'row')}", hint=f"it says {wanted.reading.where}"
        )
    refuse_infinite(columns, eligible)
    absence = find_missing(columns, eligible)
    if wanted.missing == "error":
        refuse_missing(absence, satisfying, _words_for_missing(table, columns, absence, wanted.reading))
    kept, sampled_from = _rows_to_keep(_unusable(absence.rows, eligible), total, wanted.sample, wanted.seed)
    dropped = absence.dropped
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
    if wanted.sample is not None and sampled_from is None:
        asked = f"a sample of {wanted.sample} was asked for"
        notes.append(f"all of {counted(satisfying - dropped, 'row')} are used: {asked}")
    notes.extend(chosen.asked.without_effect(columns, options))
    counts = (total, dropped, sampled_from)
    return UsableRows(table, selections, chosen.asked, columns, kept, *counts, tuple(notes), wanted.reading.decimal)


def _read_columns(table: Any) -> dict[str, Any]:
    """The columns one by one, so that each can be freed as soon as it is used."""
    return {name: table.column(name) for name in table.column_names}


def _row_filter(reading: Reading) -> RowFilter | None:
    if reading.where is None:
        return None
    from minecli.tables.selectors.where import row_filter

    return row_filter(reading.where)


def _unusable(absent: Mask | None, eligible: Mask | None) -> Mask | None:
    """The rows that cannot be used: of those with a missing value and those that are not asked for."""
    if eligible is None:
        return absent
    return ~eligible if absent is None else absent | ~eligible


def _words_for_missing(table: OpenTable, columns: Mapping[str, Any], absence: Absence, reading: Reading) -> str:
    """What else to type where a word that stands for missing may be a level of a category."""
    text = table.format in ("csv", "tsv") and not reading.keep_na_strings
    if text and any(pa.types.is_string(columns[name].type) for name in absence.counts):
        return "; if NA is a value like others: --keep-na-strings"
    return ""


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
