"""Columns of x and z that put the rows in the same order: strictly monotone functions of each other."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

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
    # Columns that agree on all rows agree on some of them: a sample of the rows, compared first, excludes nearly all
    # columns without sorting millions of values.
    every = max(1, len(x) // _SCREENING_ROWS)
    if every > 1:
        suspects = _same_order(x[::every], z[::every], few_values_too=True)
        columns = [sorted({pair[side] for pair in suspects}) for side in (0, 1)]
        if not suspects:
            return []
        pairs = _same_order(x[:, columns[0]], z[:, columns[1]])
        return sorted((columns[0][i], columns[1][j]) for i, j in pairs)
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


def _dense_ranks(columns: Array, few_values_too: bool) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    n = len(columns)
    for j in range(columns.shape[1]):
        values, ranks = np.unique(columns[:, j], return_inverse=True)
        if few_values_too or (len(values) >= _FEWEST_DISTINCT and 2 * len(values) > n):
            yield j, ranks


def _digest(ranks: npt.NDArray[np.int64]) -> bytes:
    return blake2b(np.ascontiguousarray(ranks).data, digest_size=16).digest()
