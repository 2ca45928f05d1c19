"""Look at the data for what makes an estimate meaningless: columns that repeat each other, ties, constant columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError
from minecli.result import Diagnostic, DiagnosticCode, Severity

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Ten or more values fall into the same or the opposite order by chance with probability 2 / 10! = 6e-7.
_FEWEST_DISTINCT = 10
_SCREENING_ROWS = 10_000


def find_identical_columns(x: Array, z: Array) -> list[tuple[int, int]]:
    """Return the pairs (column of x, column of z) that put the rows in the same or exactly the opposite order.

    x has shape (n, d_x), z shape (n, d_z). Such a pair is a strictly monotone function of each other; where its
    values are continuous, the mutual information is infinite. A pair counts only if more than half of the column's
    n values, and at least ten, are distinct: a column of few values carries finitely many nats.

    >>> a = np.arange(20.0)
    >>> find_identical_columns(np.c_[a**2, np.cos(a)], np.c_[np.sin(a), -np.exp(a)])
    [(0, 1)]
    """
    # Columns that agree on all rows agree on some of them: a sample of the rows, taken first, acquits nearly all
    # columns without sorting millions of values.
    every = max(1, len(x) // _SCREENING_ROWS)
    if every > 1:
        suspects = _same_order(x[::every], z[::every], few_values_too=True)
        columns = [sorted({pair[side] for pair in suspects}) for side in (0, 1)]
        if not suspects:
            return []
        found = _same_order(x[:, columns[0]], z[:, columns[1]])
        return sorted((columns[0][i], columns[1][j]) for i, j in found)
    return sorted(_same_order(x, z))


def _same_order(x: Array, z: Array, few_values_too: bool = False) -> list[tuple[int, int]]:
    by_order: dict[bytes, list[int]] = {}
    for i, ranks in _dense_ranks(x, few_values_too):
        by_order.setdefault(_digest(ranks), []).append(i)
    pairs: list[tuple[int, int]] = []
    for j, ranks in _dense_ranks(z, few_values_too) if by_order else ():
        matches = by_order.get(_digest(ranks), []) + by_order.get(_digest(ranks.max() - ranks), [])
        pairs += [(i, j) for i in matches]
    return pairs


def identical_columns(x: Array, z: Array) -> tuple[Diagnostic, ...]:
    """One warning per pair that `find_identical_columns` finds, columns counted from 1.

    >>> a = np.arange(10.0)[:, None]
    >>> identical_columns(a, -a)[0].message
    'x column 1 and z column 1 order the rows identically or in reverse; leave one of them out'
    """
    return tuple(
        Diagnostic(
            DiagnosticCode.IDENTICAL_COLUMNS,
            f"x column {i + 1} and z column {j + 1} order the rows identically or in reverse; leave one of them out",
        )
        for i, j in find_identical_columns(x, z)
    )


def constant_columns(x: Array, z: Array) -> tuple[Diagnostic, ...]:
    """Note every column with a single value, counted from 1; a side of nothing else raises DataError.

    >>> [d.message for d in constant_columns(np.array([[7.0, 1.0], [7.0, 2.0]]), np.array([[1.0], [3.0]]))]
    ['x column 1 has the single value 7 and adds nothing']
    """
    found: list[Diagnostic] = []
    for name, side in (("x", x), ("z", z)):
        constant = np.flatnonzero(side.min(axis=0) == side.max(axis=0))
        if len(constant) == side.shape[1]:
            raise DataError(
                f"every column of {name} is constant (first value {side[0, 0]:g}), so nothing can depend on it",
                hint=f"choose a column that varies for --{name}",
            )
        found += [
            Diagnostic(
                DiagnosticCode.CONSTANT_COLUMN,
                f"{name} column {j + 1} has the single value {side[0, j]:g} and adds nothing",
                Severity.NOTE,
            )
            for j in constant
        ]
    return tuple(found)


def tied_rows(side: Array) -> Flags:
    """Tell which rows, shape (n,), occur more than once in `side`, shape (n, d), all columns taken together.

    >>> tied_rows(np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -0.0]])).tolist()
    [True, False, True]
    """
    tied = _repeated(side[:, 0])
    for j in range(1, side.shape[1]):
        if not tied.any():
            return tied
        tied &= _repeated(side[:, j])
    if side.shape[1] > 1 and tied.any():
        # Adding 0.0 turns -0.0 into 0.0, which equals it but differs in its bytes.
        rows = np.ascontiguousarray(side[tied] + 0.0)
        tied[tied] = _repeated(rows.view(np.dtype((np.void, rows.strides[0]))).ravel())
    return tied


def tied_share(side: Array) -> float:
    """Return the share of rows that repeat another row's value in a column, for the column where most do.

    Columns with a single value do not count: they add nothing to a distance.

    >>> tied_share(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 6.0], [4.0, 7.0]]))
    0.5
    """
    varying = np.flatnonzero(side.min(axis=0) < side.max(axis=0))
    return max((_repeated_count(side[:, j]) / len(side) for j in varying), default=0.0)


def duplicate_rows(x: Array, z: Array) -> tuple[Diagnostic, ...]:
    """Warn where more than 1 % of the rows are copies of others, by the look of it of whole rows.

    Rows of few discrete values repeat naturally. Copies give themselves away: some column has about as many distinct
    values as there are distinct rows, and many of them.

    >>> a = np.arange(300.0)[:, None]
    >>> duplicate_rows(np.r_[a, a], np.r_[a % 7, a % 7])[0].code
    <DiagnosticCode.DUPLICATE_ROWS: 'duplicate-rows'>
    >>> duplicate_rows(a % 5, a % 7)
    ()
    """
    columns = [*x.T, *z.T]
    if any(_distinct(column) == len(x) for column in columns):
        return ()
    n, distinct = len(x), _distinct(_row_hashes(columns))
    share = 1.0 - distinct / n
    if share <= 0.01 or max(map(_distinct, columns)) < max(100, n / 100, distinct / 2):
        return ()
    message = (
        f"{share:.1%} of the rows are copies of other rows; what is held out has copies among the training rows, so "
        "that the value may be far too high: leave the copies out"
    )
    return (Diagnostic(DiagnosticCode.DUPLICATE_ROWS, message),)


def _distinct(values: npt.NDArray[np.generic]) -> int:
    ordered = np.sort(values)
    return 1 + int((ordered[1:] != ordered[:-1]).sum())


def _row_hashes(columns: Sequence[Array]) -> npt.NDArray[np.uint64]:
    """One number per row: equal for equal rows, and for others with a probability of about 2^-64 per pair."""
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        # Adding 0.0 turns -0.0 into 0.0, which equals it but differs in its bits.
        hashes ^= (column + 0.0).view(np.uint64)
        # The finalising steps of a 64-bit mixing function: two odd factors and two shifts, all of them one to one.
        hashes = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        hashes = (hashes ^ (hashes >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return hashes


def near_ceiling(mi_nats: float, ceiling_nats: float, estimator: Literal["ksg", "mixed-ksg"]) -> tuple[Diagnostic, ...]:
    """Warn where an estimate exceeds 70 % of the largest value its formula can give.

    z = x^2 of 1,000 normal x, whose true value is infinite, reaches 73 %.

    >>> near_ceiling(5.0, 5.5, "ksg")[0].code
    <DiagnosticCode.NEAR_LOG_N_CEILING: 'near-log-n-ceiling'>
    """
    if mi_nats <= 0.7 * ceiling_nats:
        return ()
    return (
        Diagnostic(
            DiagnosticCode.NEAR_LOG_N_CEILING,
            f"{mi_nats:.3g} nats is close to {ceiling_nats:.3g}, the largest value {estimator} can give for so many "
            "rows; the true value may be far larger, or infinite: is one side computed from the other?",
        ),
    )


def high_dimension(d: int) -> tuple[Diagnostic, ...]:
    """Note that nearest-neighbour estimates are biased towards 0 above ten columns.

    >>> high_dimension(10)
    ()
    """
    if d <= 10:
        return ()
    return (
        Diagnostic(
            DiagnosticCode.HIGH_DIMENSION,
            f"with {d} columns nearest neighbours are far away, and the estimate is biased towards 0; "
            "compare with -e mine",
            Severity.NOTE,
        ),
    )


def _dense_ranks(columns: Array, few_values_too: bool) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    n = len(columns)
    for j in range(columns.shape[1]):
        values, ranks = np.unique(columns[:, j], return_inverse=True)
        if few_values_too or (len(values) >= _FEWEST_DISTINCT and 2 * len(values) > n):
            yield j, ranks


def _digest(ranks: npt.NDArray[np.int64]) -> bytes:
    return blake2b(np.ascontiguousarray(ranks).data, digest_size=16).digest()


def _repeated(values: npt.NDArray[np.generic]) -> Flags:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _repeated_count(values: Array) -> int:
    # `_repeated(values).sum()` in a fifth of the memory, which counts where nothing is repeated.
    ordered = np.sort(values)
    as_before = np.concatenate([[False], ordered[1:] == ordered[:-1], [False]])
    return int((as_before[1:] | as_before[:-1]).sum())
