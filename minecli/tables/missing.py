"""Values that are not there, and values that are not finite: found in the Arrow columns before any is
converted.

Missing is a null or a NaN; a list is missing as a whole where it is null or one of its entries is. Infinity
is never missing and never dropped: it is an error wherever it stands in a named column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import Mask, decoded, is_list
from minecli.tables.selectors.wording import counted, quoted

MissingPolicy = Literal["error", "drop", "learn"]


@dataclass(frozen=True)
class Absence:
    """Which rows have a missing value (None where no row has) and how many each column has."""

    rows: Mask | None
    counts: Mapping[str, int]

    @property
    def dropped(self) -> int:
        """How many rows have a missing value."""
        return 0 if self.rows is None else int(self.rows.sum())


def find_missing(columns: Mapping[str, Any], eligible: Mask | None = None) -> Absence:
    """Find the missing values in Arrow columns of n rows, in all rows or those that are `eligible`.

    >>> columns = {"a": pa.chunked_array([[1.0, None, 2.0]]), "b": pa.chunked_array([[1, 2, 3]])}
    >>> absence = find_missing(columns)
    >>> dict(absence.counts), absence.dropped
    ({'a': 1}, 1)
    """
    union: Mask | None = None
    counts: dict[str, int] = {}
    for name, column in columns.items():
        rows = missing_rows(column)
        if rows is None or (eligible is not None and not (rows := rows & eligible).any()):
            continue
        counts[name] = int(rows.sum())
        union = rows if union is None else np.logical_or(union, rows, out=union)
    return Absence(union, counts)


def missing_rows(column: Any) -> Mask | None:
    """A mask, shape (n,), true for each row of an Arrow column that is missing; None where none is."""
    return _flagged_rows(column, _missing_in_chunk)


def refuse_missing(absence: Absence, total: int, more: str = "") -> None:
    """Raise DataError naming the columns with missing values and how many each has; `more` is added to the hint."""
    if not absence.counts:
        return
    raise DataError(
        f"missing values in {absence.dropped} of {counted(total, 'row')}: {wording_of_missing(absence)}",
        hint=f"--missing drop leaves {counted(absence.dropped, 'row')} out{more}",
    )


def wording_of_missing(absence: Absence) -> str:
    """The first columns with missing values, and how many each has.

    >>> wording_of_missing(Absence(None, {"a": 1, "b": 20}))
    "'a' 1, 'b' 20"
    """
    listed = [f"'{name}' {count}" for name, count in absence.counts.items()]
    return ", ".join(listed[:6]) + (f" and {counted(len(listed) - 6, 'more column')}" if len(listed) > 6 else "")


def refuse_infinite(columns: Mapping[str, Any], eligible: Mask | None = None) -> None:
    """Raise DataError for the first column that holds an infinite value, in all rows or those that are `eligible`: how
    many, and where the first is."""
    for name, column in columns.items():
        rows = _flagged_rows(column, _infinite_in_chunk)
        if rows is not None and eligible is not None:
            rows &= eligible
        if rows is not None and rows.any():
            first = int(np.argmax(rows))
            others = [other for other in columns if other != name and holds_infinity(columns[other])]
            also = f"; also in {quoted(others)}" if others else ""
            raise DataError(
                f"column '{name}' holds {counted(int(rows.sum()), 'infinite value')}, the first in row {first} "
                f"(counted from 0){also}",
                hint="only finite numbers can be used: repair these rows or take them out",
            )


def holds_infinity(column: Any) -> bool:
    """Whether an Arrow column has an infinite value."""
    return _flagged_rows(column, _infinite_in_chunk) is not None


def fill_missing(name: str, values: Any) -> tuple[Any, Mask | None]:
    """An Arrow column of n rows with the first value that is there in place of each that is missing, and which those
    are, (n,); None where none is.

    >>> fill_missing("a", pa.chunked_array([[None, 2, 3]]))[0].to_pylist()
    [2, 2, 3]

    Raises:
        DataError: no row has a value.
    """
    absent = missing_rows(values)
    if absent is None:
        return values, None
    if absent.all():
        raise DataError(
            f"column '{name}' has no value in any of {counted(len(absent), 'row')}", hint=f"leave '{name}' out of --x"
        )
    there = np.arange(len(absent))
    there[absent] = int(np.argmin(absent))
    return values.take(pa.array(there)), absent


def _flagged_rows(column: Any, flags: Callable[[Any], Mask | None]) -> Mask | None:
    """Join what `flags` says of each chunk; no array is made unless a row is flagged."""
    rows: Mask | None = None
    start = 0
    for chunk in column.chunks:
        here = flags(chunk)
        if here is not None:
            if rows is None:
                rows = np.zeros(len(column), dtype=np.bool_)
            rows[start : start + len(chunk)] = here
        start += len(chunk)
    return rows


def _missing_in_chunk(chunk: Any) -> Mask | None:
    if is_list(chunk.type):
        return _any_in_list(chunk, _missing_in_chunk, null=True)
    if pa.types.is_dictionary(chunk.type):
        # A null may stand among the indices or in the dictionary itself; decoding shows both.
        return _missing_in_chunk(decoded(pa.chunked_array([chunk])).combine_chunks())
    if pa.types.is_float16(chunk.type):
        return _missing_in_chunk(chunk.cast(pa.float32()))
    if pa.types.is_floating(chunk.type):
        flags = pc.is_null(chunk, nan_is_null=True)
        return _to_mask(flags) if pc.any(flags).as_py() else None
    return _to_mask(chunk.is_null()) if chunk.null_count else None


def _infinite_in_chunk(chunk: Any) -> Mask | None:
    if is_list(chunk.type):
        return _any_in_list(chunk, _infinite_in_chunk, null=False)
    if not pa.types.is_floating(chunk.type):
        return None
    if pa.types.is_float16(chunk.type):
        chunk = chunk.cast(pa.float32())
    flags = pc.is_inf(chunk)
    return _to_mask(pc.fill_null(flags, False)) if pc.any(flags).as_py() else None


def _any_in_list(chunk: Any, flags: Callable[[Any], Mask | None], *, null: bool) -> Mask | None:
    """Rows whose list has a flagged entry, and the null rows themselves where `null` is set."""
    if isinstance(chunk.type, pa.BaseExtensionType):
        chunk = chunk.storage
    rows = _to_mask(chunk.is_null()) if null and chunk.null_count else np.zeros(len(chunk), dtype=np.bool_)
    entries = chunk.flatten()
    inside = flags(entries)
    if inside is not None:
        present = np.flatnonzero(_to_mask(chunk.is_valid()))
        lengths = pc.list_value_length(chunk).drop_null().to_numpy(zero_copy_only=False)
        rows[np.repeat(present, lengths)[inside]] = True
    return rows if rows.any() else None


def _to_mask(flags: Any) -> Mask:
    mask: Mask = flags.to_numpy(zero_copy_only=False)
    return mask if mask.flags.writeable else mask.copy()
