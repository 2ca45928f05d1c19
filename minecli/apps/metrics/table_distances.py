"""How far generated rows of a user's table are from the real ones, in a few numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minecli.apps.datasets.table_rows import TableRows
from minecli.apps.metrics.two_sample import correlation_gaps, ks_distances
from minecli.runtime.seeds import generator

# Live metrics compare with so many real rows: more would change the second digit of a distance, and take time.
COMPARED_ROWS = 5000


class TableDistances:
    """Distances of features, as a generator makes them, from the rows of one table.

    Args:
        table: the real rows, of which at most 5,000 are compared with.
    """

    def __init__(self, table: TableRows) -> None:
        self._table = table
        chosen = generator(0, "table-rows", "judged").permutation(len(table))[:COMPARED_ROWS]
        self._compared = table.real[np.sort(chosen)]
        self._in_order = np.sort(self._compared, axis=0)

    def __call__(self, samples: Tensor) -> dict[str, float | None]:
        """A few numbers on how far generated features are from the real rows, quick enough for every look.

        * `ks_mean`, `ks_largest`: over the features, the largest difference of the two distribution functions, in
          0 .. 1 (Kolmogorov and Smirnov); of a 0/1 column the difference of its shares. Of n and m rows, a column that
          takes many values differs by about sqrt(1 / n + 1 / m) by chance.
        * `correlation_gap`: mean over the pairs of features of the absolute difference of the correlation
          coefficients, in 0 .. 2; None with fewer than two features that vary on both sides.

        Compared are the values that the samples stand for with at most 5,000 of the real rows. All are None where a
        sample is not finite, or there are no real rows.

        Args:
            samples: shape (m, d).
        """
        if not len(self._table) or not bool(torch.isfinite(samples).all()):
            return {"ks_mean": None, "ks_largest": None, "correlation_gap": None}
        made = self._table.values(samples)
        distances = ks_distances(self._in_order, made)
        gaps = correlation_gaps(self._compared, made)
        return {
            "ks_mean": float(distances.mean()),
            "ks_largest": float(distances.max()),
            "correlation_gap": None if gaps is None else gaps.mean_gap,
        }
