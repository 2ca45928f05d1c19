"""Whether generated rows repeat those that the generator has learnt from: distances to the closest record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from minecli.apps.datasets.evaluated_rows import CommonScale, TableColumn
from minecli.runtime.seeds import generator
from minecli.tables.kinds import Array

# Distances between all pairs of so many rows, at most, are made at once.
_ROWS = 2000
_MOST_TRAINING = 20_000
_AT_ONCE = 250
# Ranks are sums of float64: rows that differ by less are the same.
_SAME = 1e-12

DEFINITIONS = {
    "median_distance": "median distance to the closest training row: mean over columns of how far two rows differ, a "
    "category by 0 or 1, a number by its rank in 0 .. 1",
    "low_distance": "the same, its fifth percentile",
    "copies": "share of rows that are a training row in all columns",
    "nearer_training": "share of rows nearer to a training row than to a held-out one, of equally many of both, ties "
    "by halves; 0.5 where nothing is repeated",
}


@dataclass(frozen=True)
class ClosestRecords:
    """Distances of rows to their closest ones among the `learnt` rows, (n, d), and the `held_out` ones, (m, d), of a
    table with these columns; at most 20,000 of the former.

    >>> import pyarrow as pa
    >>> from minecli.apps.datasets.evaluated_rows import table_columns
    >>> from minecli.tables.origins import Origin
    >>> columns = table_columns([Origin("a", "float", ("a",), pa.float64())], ())
    >>> learnt, held_out = np.arange(10.0)[:, None], np.arange(10.0)[:, None] + 0.5
    >>> ClosestRecords(columns, learnt, held_out).of(learnt)["copies"]
    1.0
    """

    columns: list[TableColumn]
    learnt: Array
    held_out: Array

    def of(self, rows: Array, *, unseen: bool = False) -> dict[str, float | None]:
        """The numbers of DEFINITIONS for rows (k, d), of which at most 2,000 are measured. `unseen`: they are the
        held-out rows themselves, of which the last has no meaning."""
        scale, learnt, held_out = self._scaled
        rows = scale(_some(rows, _ROWS, "rows"))
        distances = closest(rows, learnt)
        count = min(len(learnt), len(held_out))
        nearer = None if unseen else _nearer(closest(rows, learnt[:count]), closest(rows, held_out[:count]))
        return {
            "median_distance": float(np.median(distances)),
            "low_distance": float(np.quantile(distances, 0.05)),
            "copies": float((distances <= _SAME).mean()),
            "nearer_training": nearer,
        }

    @cached_property
    def _scaled(self) -> tuple[CommonScale, Array, Array]:
        """The common scale, and on it the learnt rows that are compared with and those held out."""
        scale = CommonScale.of(self.columns, self.learnt)
        return scale, scale(_some(self.learnt, _MOST_TRAINING, "learnt")), scale(self.held_out)


def closest(rows: Array, others: Array) -> Array:
    """The city-block distance of each row, (n, k), to the closest of others, (m, k): (n,).

    >>> closest(np.array([[0.0], [2.2]]), np.array([[1.0], [2.0]])).round(9).tolist()
    [1.0, 0.2]
    """
    from scipy.spatial.distance import cdist

    parts = np.array_split(rows, max(1, -(-len(rows) // _AT_ONCE)))
    return np.concatenate([cdist(part, others, "cityblock").min(axis=1) for part in parts])


def _nearer(to_learnt: Array, to_held_out: Array) -> float:
    same = np.abs(to_learnt - to_held_out) <= _SAME
    return float(np.where(same, 0.5, to_learnt < to_held_out).mean())


def _some(rows: Array, most: int, name: str) -> Array:
    order = generator(0, "privacy", name).permutation(len(rows))
    return rows[order[:most]]
