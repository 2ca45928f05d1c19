"""Rows of a table as those who evaluate generated ones need them: column by column, and on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli.tables.kinds import Array
from minecli.tables.origins import Origin


@dataclass(frozen=True)
class TableColumn:
    """One column of a file among the columns of an array: the `places` of its values, and of the column that is 1 where
    it is missing, None where it never is."""

    origin: Origin
    places: slice
    missing: int | None

    @property
    def name(self) -> str:
        """Its name in the file."""
        return self.origin.name

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers, dates or times, one in each row."""
        return self.origin.width == 1 and not self.origin.indicators and self.origin.kind != "list"

    @property
    def is_category(self) -> bool:
        """Whether it holds levels or truth values."""
        return self.origin.indicators and self.origin.width > 0

    @property
    def all_places(self) -> list[int]:
        """The places of values, and of what says that they are missing."""
        return [*range(self.places.start, self.places.stop), *([] if self.missing is None else [self.missing])]

    def levels(self, rows: Array) -> Array:
        """Which level a category has, (n, levels) 0 or 1, "missing" being the last one where it occurs, and the only
        one of other columns."""
        if not self.is_category:
            return np.empty((len(rows), 0)) if self.missing is None else rows[:, [self.missing]]
        block, gone = rows[:, self.places], self.absent(rows)
        if block.shape[1] == 1:
            block = np.column_stack([1.0 - block[:, 0] - gone, block[:, 0]])
        return block if self.missing is None else np.column_stack([block, gone])

    def absent(self, rows: Array) -> Array:
        """1 for each row in which it is missing, else 0, shape (n,)."""
        gone: Array = np.zeros(len(rows)) if self.missing is None else rows[:, self.missing]
        return gone


def table_columns(origins: Sequence[Origin], missing: Sequence[int]) -> list[TableColumn]:
    """The columns of a file, the columns numbered `missing` having their marks behind all values."""
    columns, left = [], 0
    width = sum(origin.width for origin in origins)
    for number, origin in enumerate(origins):
        place = width + list(missing).index(number) if number in missing else None
        columns.append(TableColumn(origin, slice(left, left + origin.width), place))
        left += origin.width
    return columns


@dataclass(frozen=True)
class CommonScale:
    """Rows (n, d) so scaled that the city-block distance of two is the mean over columns of how far they differ, in
    0 .. 1: categories 0 or 1, numbers the difference of their ranks among the known rows, lists the mean of their
    entries' differences, what is missing 1 from all that is there."""

    columns: Sequence[TableColumn]
    known: Sequence[Array]

    @classmethod
    def of(cls, columns: Sequence[TableColumn], known: Array) -> CommonScale:
        """The scale by the ranks of rows (n, d)."""
        varying = [column for column in columns if column.all_places]
        ordered = [np.sort(known[:, column.places], axis=0) for column in varying]
        return cls(varying, ordered)

    def __call__(self, rows: Array) -> npt.NDArray[np.float64]:
        """Rows (n, d) on the scale, (n, k)."""
        parts = [self._part(column, known, rows) for column, known in zip(self.columns, self.known, strict=True)]
        return np.concatenate([np.empty((len(rows), 0)), *parts], axis=1) / max(1, len(self.columns))

    def _part(self, column: TableColumn, known: Array, rows: Array) -> Array:
        if column.is_category:
            # Another level differs in two places.
            return column.levels(rows) / 2.0
        block, gone = rows[:, column.places], column.absent(rows)[:, None]
        width = max(1, block.shape[1])
        ranks: Array = np.column_stack([np.empty((len(rows), 0)), *map(_ranks, known.T, block.T)]) / width
        if column.missing is None:
            return ranks
        # Two values differ by as much in these places as in one alone; of a missing one all differ, by 1 in sum.
        there = (1.0 - gone) / 2.0
        return np.concatenate([ranks * there, (1.0 / width - ranks) * there, gone / 2.0], axis=1)


def _ranks(ordered: Array, values: Array) -> Array:
    """The mean rank of each value among ordered ones, in 0 .. 1."""
    left, right = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    ranks: Array = (left + right) / (2.0 * len(ordered))
    return ranks
