"""The contingency table of two discrete groups of columns: which pairs of levels occur, and how often.

A level of a side is a distinct row of it. Only occupied cells are held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# What a code may count up to before codes are renumbered: the product of two such numbers still fits 64 bits.
_LARGEST_CODE = 2**31


@dataclass(frozen=True)
class ContingencyTable:
    """The occupied cells of the contingency table of n rows.

    `counts`, shape (cells,), are the rows of each cell, `x_of` and `z_of` its levels; `x_counts`, shape (levels_x,),
    and `z_counts`, shape (levels_z,), are the margins; `cell_of`, shape (n,), is the cell of each row.
    """

    counts: Integers
    x_of: Integers
    z_of: Integers
    x_counts: Integers
    z_counts: Integers
    cell_of: Integers

    @property
    def rows(self) -> int:
        """n, the sum of the counts."""
        return len(self.cell_of)

    @property
    def determined(self) -> Literal["x", "z", "both"] | None:
        """Which side is a function of the other in these rows; None where neither is."""
        x, z = len(self.counts) == len(self.z_counts), len(self.counts) == len(self.x_counts)
        return "both" if x and z else "x" if x else "z" if z else None

    def log_ratios(self) -> Array:
        """ln(p(x, z) / (p(x) p(z))) of every cell, shape (cells,), in nats, with the shares of the rows as p."""
        expected = self.x_counts[self.x_of] * (self.z_counts[self.z_of] / self.rows)
        return np.asarray(np.log(self.counts / expected))


def contingency_table(x: Array, z: Array) -> ContingencyTable:
    """Count the rows of every occupied pair of levels; x has shape (n, d_x), z shape (n, d_z).

    No array is of size levels_x times levels_z, as that of `scipy.stats.contingency.crosstab` would be.

    >>> table = contingency_table(np.array([[0.0], [-0.0], [5.0]]), np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]]))
    >>> table.counts.tolist(), table.x_counts.tolist(), table.cell_of.tolist()
    ([2, 1], [2, 1], [0, 0, 1])
    """
    x_codes, z_codes = level_codes(x), level_codes(z)
    x_counts, z_counts = np.bincount(x_codes), np.bincount(z_codes)
    cells, cell_of = _renumbered(x_codes * len(z_counts) + z_codes)
    x_of, z_of = np.divmod(cells, len(z_counts))
    return ContingencyTable(np.bincount(cell_of), x_of, z_of, x_counts, z_counts, cell_of)


def level_codes(side: Array) -> Integers:
    """Number the distinct rows of `side`, shape (n, d), from 0 in ascending order; shape (n,). 0.0 and -0.0 are equal.

    >>> level_codes(np.array([[0.0, 1.0], [3.0, 0.0], [-0.0, 1.0]])).tolist()
    [0, 1, 0]
    """
    codes, levels = np.zeros(len(side), dtype=np.int64), 1
    for column in side.T:
        own, count = _column_codes(np.ascontiguousarray(column))
        if levels * count > _LARGEST_CODE:
            distinct, codes = _renumbered(codes)
            levels = len(distinct)
        codes, levels = codes * count + own, levels * count
    return _renumbered(codes)[1]


def _column_codes(column: Array) -> tuple[Integers, int]:
    """Codes of a column's values in ascending order, and one more than the largest of them."""
    low, high = float(column.min()), float(column.max())
    # Dummies and small whole numbers, as labels are, need no sorting.
    if high - low < 4 * len(column) and np.array_equal(column, np.floor(column)):
        return (column - low).astype(np.int64), int(high - low) + 1
    at_top = column == high
    if np.array_equal(column != low, at_top):
        return at_top.astype(np.int64), 2
    values, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.int64), len(values)


def _renumbered(codes: Integers) -> tuple[Integers, Integers]:
    """The distinct codes in ascending order, and for each row the place of its own among them; codes are at least 0."""
    if int(codes.max()) < 4 * len(codes) + 1000:
        occurs = np.bincount(codes) > 0
        return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[codes]
    distinct, places = np.unique(codes, return_inverse=True)
    return distinct, places.astype(np.int64)
