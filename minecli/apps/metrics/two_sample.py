"""Whether generated rows are distributed like real ones: each column by itself, and all of them together.

No number here is enough alone, and together they prove no equality; `two_sample_report` says what each can show.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.table_rows import TableRows
from minecli.errors import DataError
from minecli.runtime.seeds import generator

Array = npt.NDArray[np.float64]

# Distances between all pairs of so many rows of each side take 128 MB.
JOINT_ROWS = 2000
PERMUTATIONS = 200
# Up to so many rows a p-value is exact; beyond, the limiting distribution is as good and does not take seconds.
_EXACT_ROWS = 1000
# Values in units of a standard deviation are squared and summed: these limits keep that in the range of numbers.
_LARGEST = 1e100
_SMALLEST_STD = 1e-50
# Distances that differ by less are rounding apart: rows that repeat have several nearest neighbours.
_SAME_DISTANCE = 1e-9
# Live metrics compare with so many real rows: more would change the second digit of a distance, and take time.
COMPARED_ROWS = 5000
# Levels that fewer of the rows have are too rare for their share to be told from few rows.
_FREQUENT = 0.01


DEFINITIONS = {
    "ks_mean": "mean over columns of the largest difference of the distribution functions of real and fresh rows",
    "ks_largest": "the largest of these",
    "correlation_gap": "mean over pairs of columns of the absolute difference of correlations",
    "levels_close": "of the levels that at least 1 % of the real rows have, the share whose share of fresh rows is "
    "within a third of that; missing values count as a level",
}


def two_sample_report(real: npt.ArrayLike, generated: npt.ArrayLike, names: Sequence[str], seed: int) -> dict[str, Any]:
    r"""Compare generated rows with real ones, column by column and jointly.

    `columns`, for each column, from all rows:

    * `ks` and `ks_p_value`: the Kolmogorov-Smirnov statistic, the largest difference of the two distribution functions,
      in 0 .. 1, and its p-value. It sees shifts best and tails worst, and no relation between columns. The p-value is
      of one column, without correction for how many there are; with many rows it is tiny for differences that do not
      matter (look at `ks`), with few it is large for differences that do. On columns with repeated values it errs on
      the large side.
    * `real_mean`, `generated_mean`, `real_std`, `generated_std`: in the column's units, standard deviations with n - 1.
    * `wasserstein`: how far a generated value has to move on average to make the real distribution, in units of the
      real standard deviation; about 2 / sqrt(n) rather than 0 for n rows each of equal distributions. It grows with
      outliers. None where the real column is constant (a standard deviation below 1e-50), which gives no unit.

    `joint`, from at most 2,000 rows of each side, drawn by `seed`, each column divided by its real standard deviation:

    * `energy_distance`: 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo, "Energy statistics", Journal of
      Statistical Planning and Inference 2013), 0 in the limit only where the distributions are equal. On samples it is
      above 0 always: `energy_by_chance` is its mean over permutations of the pooled rows, `energy_p_value` the share of
      200 permutations, and the observed one, that reach it, at least 1 / 201. It sees means and overall shape best; a
      difference in fine detail, or in few of many columns, needs more rows.
    * `same_sample_share`: share of rows whose nearest neighbour among both sides (as many of each) is of their own
      side (Schilling, "Multivariate two-sample tests based on nearest neighbors", Journal of the American Statistical
      Association 1986). `same_sample_by_chance`, just below 0.5, is what equal distributions give, give or take 0.01
      at 2,000 rows each. More says that the sides keep apart, in fine detail too; less that generated rows lie closer
      to real ones than those to each other, as do copies of them. Several equally near neighbours share the vote.
    * `correlation`: the pair of columns, `first` and `second`, whose correlation coefficients differ most, both
      coefficients, and the absolute `difference`, from all rows; None with fewer than two columns that vary on both
      sides. It sees linear relations of pairs only. By chance a pair without relation differs by about
      sqrt(1 / n + 1 / m), and the largest of many pairs by two to four times as much.

    All p-values take rows as independent. Rows of a generator that has learnt from these very real rows are not: they
    may pass for them by repeating them. Compare with real rows that the generator has not seen.

    Args:
        real: shape (n, d), n at least 2.
        generated: shape (m, d), m at least 2.
        names: of the columns, d of them.
        seed: which rows and permutations are drawn.

    Returns:
        Plain values: {"real_rows", "generated_rows", "columns": [...], "joint": {...}}.

    Raises:
        DataError: other shapes, fewer than two rows, or values that are not finite or beyond 1e100 in size.
        UsageError: a seed that is no integer of at least 0.
    """
    x, y = _checked(real, "real", names), _checked(generated, "generated", names)
    return {
        "real_rows": len(x),
        "generated_rows": len(y),
        "columns": [_column(name, x[:, j], y[:, j]) for j, name in enumerate(names)],
        "joint": _joint(x, y, seed) | {"correlation": _correlation(x, y, names)},
    }


def _checked(rows: npt.ArrayLike, side: str, names: Sequence[str]) -> Array:
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2 or not names or values.shape[1] != len(names):
        shape = f"shape {values.shape} and {len(names)} column names"
        problem = f"the {side} rows have {shape}; they must be (rows, columns), with a name for each column"
        raise DataError(problem, hint="pass two tables with the same columns, and a name for each")
    if len(values) < 2:
        problem = f"there are {len(values)} {side} rows; a comparison needs at least 2"
        raise DataError(problem, hint="pass more rows")
    # NaN compares as false, so that it is caught as well.
    bad = ~(np.abs(values) <= _LARGEST).all(axis=0)
    if bad.any():
        name = names[int(np.argmax(bad))]
        problem = f"{side} column '{name}' has values that are not finite or beyond {_LARGEST:g} in size"
        raise DataError(problem, hint="drop those rows first")
    return values


def _std(column: Array) -> float:
    """The standard deviation; exactly 0 of a constant column, of which rounding could leave a trace."""
    std = float(column.std(ddof=1)) if column.max() > column.min() else 0.0
    return std if std >= _SMALLEST_STD else 0.0


def _column(name: str, x: Array, y: Array) -> dict[str, Any]:
    from scipy.stats import ks_2samp, wasserstein_distance

    with warnings.catch_warnings():
        # Where the exact p-value fails, as of nearly equal rows, the asymptotic one is given instead.
        warnings.simplefilter("ignore", RuntimeWarning)
        test = ks_2samp(x, y, method="exact" if max(len(x), len(y)) <= _EXACT_ROWS else "asymp")
    unit = _std(x)
    return {
        "name": name,
        "ks": float(test.statistic),
        "ks_p_value": float(test.pvalue),
        "real_mean": float(x.mean()),
        "generated_mean": float(y.mean()),
        "real_std": unit,
        "generated_std": _std(y),
        "wasserstein": float(wasserstein_distance(x, y)) / unit if unit else None,
    }


def _joint(x: Array, y: Array, seed: int) -> dict[str, Any]:
    from scipy.spatial.distance import cdist

    centre, unit = x.mean(axis=0), _units(x, y)
    # Centred before the division, so that a column far from zero keeps its digits.
    x, y = (_some((side - centre) / unit, seed, name) for side, name in ((x, "real"), (y, "generated")))
    pooled = np.concatenate([x, y])
    distances = cdist(pooled, pooled)
    energy, by_chance, p_value = _energy(distances, len(x), seed)
    rows = min(len(x), len(y))
    if len(x) != len(y):
        as_many = np.r_[:rows, len(x) : len(x) + rows]
        distances = distances[np.ix_(as_many, as_many)]
    return {
        "real_rows": len(x),
        "generated_rows": len(y),
        "energy_distance": energy,
        "energy_by_chance": by_chance,
        "energy_p_value": p_value,
        "permutations": PERMUTATIONS,
        "same_sample_share": _same_sample_share(distances),
        "same_sample_by_chance": (rows - 1) / (2 * rows - 1),
    }


def _units(x: Array, y: Array) -> Array:
    """The real standard deviations; where one is 0 that of both sides pooled, and 1 where that is 0 too: there is no
    difference then, in any unit."""
    pooled = np.concatenate([x, y])
    return np.array([_std(x[:, j]) or _std(pooled[:, j]) or 1.0 for j in range(x.shape[1])])


def _some(rows: Array, seed: int, side: str) -> Array:
    """At most JOINT_ROWS of the rows, in random order: any first part of them is a random part, too."""
    order = generator(seed, "two-sample", side).permutation(len(rows))
    return rows[order[:JOINT_ROWS]]


def _energy(distances: Array, count: int, seed: int) -> tuple[float, float, float]:
    """The energy distance of the first `count` rows from the others, its mean over permutations, and its p-value."""
    rng = generator(seed, "two-sample", "permutations")
    rows = len(distances)
    member = np.zeros((rows, PERMUTATIONS + 1))
    member[:count] = 1.0
    member[:, 1:] = rng.permuted(member[:, 1:], axis=0)
    # One product of matrices gives every row's distances to the first side, for all permutations at once.
    to_first = distances @ member
    within_first = np.einsum("ij,ij->j", member, to_first)
    between = to_first.sum(axis=0) - within_first
    within_second = distances.sum() - within_first - 2.0 * between
    others = rows - count
    energy = 2.0 * between / (count * others) - within_first / count**2 - within_second / others**2
    # The sum of so many distances is exact to about this much; equal arrangements must count as equal.
    rounding = 1e-12 * float(distances.mean())
    reached = int((energy[1:] >= energy[0] - rounding).sum())
    return max(0.0, float(energy[0])), max(0.0, float(energy[1:].mean())), (1 + reached) / (1 + PERMUTATIONS)


def _same_sample_share(distances: Array) -> float:
    """The share for two sides of the same size, one after the other; clears the diagonal of `distances`."""
    half = len(distances) // 2
    np.fill_diagonal(distances, np.inf)
    nearest = distances <= distances.min(axis=1, keepdims=True) * (1.0 + _SAME_DISTANCE)
    in_first = nearest[:, :half].sum(axis=1) / nearest.sum(axis=1)
    return float((in_first[:half].sum() + (1.0 - in_first[half:]).sum()) / len(distances))


@dataclass(frozen=True)
class CorrelationGaps:
    """Correlation coefficients of both sides: `varies` are the places of the k columns that vary on both, `real` and
    `generated` their matrices, (k, k)."""

    varies: tuple[int, ...]
    real: Array
    generated: Array

    @property
    def mean_gap(self) -> float:
        """The mean over all pairs of columns of the absolute difference, in 0 .. 2."""
        pairs = np.triu_indices(len(self.varies), 1)
        return float(np.abs(self.real - self.generated)[pairs].mean())


def correlation_gaps(real: Array, generated: Array) -> CorrelationGaps | None:
    """The correlation coefficients of rows (n, d) and (m, d); None with fewer than two columns that vary on both sides.

    >>> x = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> round(correlation_gaps(x, x * [1.0, -1.0]).mean_gap, 6)
    2.0
    """
    varies = tuple(j for j in range(real.shape[1]) if _std(real[:, j]) and _std(generated[:, j]))
    if len(varies) < 2:
        return None
    x, y = (np.atleast_2d(np.corrcoef(side[:, list(varies)], rowvar=False)) for side in (real, generated))
    return CorrelationGaps(varies, x, y)


def ks_distances(real_sorted: Array, generated: Array) -> Array:
    """The Kolmogorov-Smirnov statistic of each column, sup_v |F(v) - G(v)| of the two sides' distribution functions.

    Args:
        real_sorted: shape (n, d), each column in rising order, so that many comparisons share the sorting.
        generated: shape (m, d).

    Returns:
        Shape (d,), in 0 .. 1; without p-values, which take longer.

    >>> ks_distances(np.array([[0.0], [1.0]]), np.array([[0.0], [0.0], [0.0], [1.0]])).tolist()
    [0.25]
    """
    n, m = len(real_sorted), len(generated)
    statistics = np.empty(generated.shape[1])
    for j, (x, y) in enumerate(zip(real_sorted.T, np.sort(generated, axis=0).T, strict=True)):
        # Copies: searching a column that is spread over memory takes several times as long.
        x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
        everywhere = np.concatenate([x, y])
        below_x, below_y = (side.searchsorted(everywhere, side="right") for side in (x, y))
        statistics[j] = np.abs(below_x / n - below_y / m).max()
    return statistics


def _correlation(x: Array, y: Array, names: Sequence[str]) -> dict[str, Any] | None:
    gaps = correlation_gaps(x, y)
    if gaps is None:
        return None
    apart = np.abs(gaps.real - gaps.generated)
    i, j = max(combinations(range(len(gaps.varies)), 2), key=lambda pair: float(apart[pair]))
    return {
        "first": names[gaps.varies[i]],
        "second": names[gaps.varies[j]],
        "real": float(gaps.real[i, j]),
        "generated": float(gaps.generated[i, j]),
        "difference": float(apart[i, j]),
    }


class TableDistances:
    """Distances of features, as a generator makes them, from the rows of one table.

    Args:
        table: the real rows, of which at most 5,000 are compared with.
    """

    def __init__(self, table: TableRows | CodedRows) -> None:
        self._table = table
        chosen = generator(0, "table-rows", "judged").permutation(len(table))[:COMPARED_ROWS]
        self._compared = table.real[np.sort(chosen)]
        self._in_order = np.sort(self._compared, axis=0)
        self._shares = _shares(table, self._compared)

    def __call__(self, samples: Tensor) -> dict[str, float | None]:
        """A few numbers on how far generated features are from the real rows, quick enough for every evaluation.

        * `ks_mean`, `ks_largest`: over the features, the largest difference of the two distribution functions, in
          0 .. 1 (Kolmogorov and Smirnov); of a 0/1 column the difference of its shares. Of n and m rows, a column that
          takes many values differs by about sqrt(1 / n + 1 / m) by chance.
        * `correlation_gap`: mean over the pairs of features of the absolute difference of the correlation
          coefficients, in 0 .. 2; None with fewer than two features that vary on both sides.
        * `levels_close`: of the levels that at least 1 % of the real rows have, the share whose share of the generated
          rows is within a third of that, missing values counting as a level; None where there is no such level. By
          chance a share p of n rows is off by sqrt((1 - p) / (n p)) of itself: a tenth for 1 % of 10,000.

        Compared are the values that the samples stand for with at most 5,000 of the real rows. All are None where a
        sample is not finite, or there are no real rows.

        Args:
            samples: shape (m, d).
        """
        if not len(self._table) or not bool(torch.isfinite(samples).all()):
            return dict.fromkeys(("ks_mean", "ks_largest", "correlation_gap", "levels_close"))
        return self.of_rows(self._table.values(samples))

    def of_rows(self, made: Array) -> dict[str, float | None]:
        """The same of rows in units of the array, (m, d)."""
        distances = ks_distances(self._in_order, made)
        gaps = correlation_gaps(self._compared, made)
        return {
            "ks_mean": float(distances.mean()),
            "ks_largest": float(distances.max()),
            "correlation_gap": None if gaps is None else gaps.mean_gap,
            "levels_close": self._levels_close(made),
        }

    def _levels_close(self, made: Array) -> float | None:
        frequent = self._shares >= _FREQUENT
        apart = np.abs(_shares(self._table, made) - self._shares)[frequent]
        return float((apart <= self._shares[frequent] / 3.0).mean()) if frequent.any() else None


def _shares(table: TableRows | CodedRows, rows: Array) -> Array:
    """The share of each level of each category among rows (n, d), shape (levels,)."""
    return np.concatenate(
        [np.empty(0), *(column.levels(rows).sum(axis=0) / max(1, len(rows)) for column in table.columns)]
    )
