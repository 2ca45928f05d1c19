"""Copies of rows told from atoms: rows that were drawn or written again, and values that simply occur often.

Values repeat for many reasons: few decimals, codes, zeros, a sensor's floor. Copies give themselves away by a value
that occurs in no other row but its copies and that had no reason to repeat. A value has one where the column lies on a
grid (rounding, counts, codes), or where it has so few values that each occurs several times, some more and some less
often. A single row that a hundredth of the table repeats is an atom of both sides, as (0, 0) is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minecli.tables.value_kinds import ValueKind, value_kind

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

# A column is on a grid if its values fill at least a quarter of the places between its smallest and its largest.
_PLACES_PER_LEVEL = 4.0
# A column of few values: each occurs so often on average, and how often varies at least half as much as by chance.
_ROWS_PER_VALUE, _SCATTER = 3.0, 0.5
# A row that is an atom of both sides: repeated by more than this share of the table and ten times.
_ATOM_SHARE, _ATOM_ROWS, _MOST_ATOMS = 0.01, 10, 3
# Where one of the first so many columns never repeats a value, no row is a copy, and nothing need be hashed.
_FIRST_COLUMNS = 4


def kinds_and_copies(columns: Sequence[Array]) -> tuple[list[ValueKind], float]:
    """The kinds of the columns, each of shape (n,), and the share of rows that are copies of other rows.

    Values that repeat only because rows are copies are no atoms: such a column's kind is that of the distinct rows.

    >>> g = np.random.default_rng(0).standard_normal((2, 500))
    >>> kinds_and_copies([np.tile(side, 2) for side in g])[1]
    0.5
    >>> kinds_and_copies([np.tile(side, 2).round(1) for side in g])[1]
    0.0
    """
    first, counts = _distinct(columns)
    of_all = [value_kind(column) for column in columns]
    if len(first) == len(columns[0]):
        return of_all, 0.0
    natural_repeats = [k is not ValueKind.ATOMS or repeats_naturally(c) for k, c in zip(of_all, columns, strict=True)]
    kinds = [
        kind if natural or _has_atom(column) else value_kind(column[first])
        for column, kind, natural in zip(columns, of_all, natural_repeats, strict=True)
    ]
    telling = np.zeros(len(first), dtype=bool)
    for column, kind, natural in zip(columns, of_all, natural_repeats, strict=True):
        if kind is ValueKind.CONTINUOUS or not natural:
            _, inverse, occurrences = np.unique(column[first], return_inverse=True, return_counts=True)
            telling |= occurrences[inverse] == 1
    copied = (counts > 1) & telling & ~_joint_atoms(counts)
    return kinds, float((counts[copied] - 1).sum()) / len(columns[0])


def repeats_naturally(column: Array) -> bool:
    """Whether a column, shape (n,), has a reason to repeat values: it lies on a grid, or has few values.

    >>> rng = np.random.default_rng(0)
    >>> repeats_naturally(rng.integers(0, 500, 900) / 10), repeats_naturally(np.tile(rng.standard_normal(300), 3))
    (True, False)
    """
    if on_grid(column):
        return True
    _, counts = np.unique(column, return_counts=True)
    mean = float(counts.mean())
    return mean >= _ROWS_PER_VALUE and float(counts.var()) >= _SCATTER * mean


def on_grid(column: Array) -> bool:
    """Whether values are a step apart, or a few: rounded numbers, counts, codes.

    >>> draws = np.random.default_rng(0).standard_normal(100)
    >>> on_grid(draws.round(1)), on_grid(draws)
    (True, False)
    """
    values = np.unique(column)
    if len(values) < 2:
        return True
    step = float(np.diff(values).min())
    return float(values[-1] - values[0]) <= _PLACES_PER_LEVEL * len(values) * step


def coded(column: Array) -> bool:
    """Whether a column, shape (n,), holds whole numbers on a grid, each occurring several times, as numbers of shops or
    counts are.

    >>> coded(np.tile(np.arange(10.0), 5)), coded(np.arange(50.0) ** 2)
    (True, False)
    """
    if not np.array_equal(column, np.floor(column)):
        return False
    return on_grid(column) and len(column) >= _ROWS_PER_VALUE * len(np.unique(column))


def row_codes(columns: Sequence[Array]) -> npt.NDArray[np.uint64]:
    """One number per row, shape (n,): equal for equal rows, and for others with a probability of about 2^-64 per pair.

    >>> codes = row_codes([np.array([0.0, -0.0, 1.0]), np.array([2.0, 2.0, 2.0])])
    >>> bool(codes[0] == codes[1]), bool(codes[0] == codes[2])
    (True, False)
    """
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        # Adding 0.0 turns -0.0 into 0.0, which equals it but differs in its bits.
        hashes ^= (column + 0.0).view(np.uint64)
        # The finalising steps of a 64-bit mixing function: two odd factors and two shifts, all of them one to one.
        hashes = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        hashes = (hashes ^ (hashes >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return hashes


def _has_atom(column: Array) -> bool:
    _, counts = np.unique(column, return_counts=True)
    return bool(counts.max() > max(_ATOM_ROWS, _ATOM_SHARE * len(column)))


def _joint_atoms(counts: Codes) -> npt.NDArray[np.bool_]:
    """Which distinct rows are atoms of both sides: a few that many rows repeat."""
    heavy: npt.NDArray[np.bool_] = counts > max(_ATOM_ROWS, _ATOM_SHARE * counts.sum())
    return heavy if heavy.sum() <= _MOST_ATOMS else heavy & (counts > 5.0 * np.median(counts[counts > 1]))


def _distinct(columns: Sequence[Array]) -> tuple[Codes, Codes]:
    """Where each distinct row occurs first, and how often it occurs."""
    rows = len(columns[0])
    if any(len(np.unique(column)) == rows for column in columns[:_FIRST_COLUMNS]):
        return np.arange(rows), np.ones(rows, dtype=np.int64)
    _, first, counts = np.unique(row_codes(columns), return_index=True, return_counts=True)
    return first, counts
