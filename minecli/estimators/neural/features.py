r"""What the statistics network sees of a group of columns, fitted on training rows only.

Mutual information does not change under maps of X alone or of Z alone that lose nothing, so the network may be shown
the columns in whatever form it learns from best:

`rank` gives, for every column, its normal score (the training ranks pushed through the normal quantile function,
linear between at most 4096 knots), its robustly scaled value (median and interquartile range, bent smoothly at 4)
and its score times the standardised mean square of all scores, and, for the group, one radial feature: the
standardised :math:`\log(1 + |x|^2)` of the robustly scaled columns. Scores tame heavy tails, scaled values keep what
ranks flatten, the products show what turns with the distance from the centre (as spirals do), and the radial feature
shows a scale common to all columns, where all of the dependence of multivariate Student-t data sits. None of them
leaves the range seen in training by more than a bounded amount, so that an outlier cannot send the network where it
has never been. Features may be weighed by their relevance (see `screening`).

`standardize` subtracts the mean, divides by the standard deviation and bends smoothly at 10; `none` passes the
columns through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError
from minecli.estimators.config import Preprocess

Array = npt.NDArray[np.float64]

# Quantiles, locations and scales of so many rows are as good as those of more.
FIT_ROWS = 50_000
MOST_KNOTS = 4096
BEND = 4.0
STANDARDIZED_BEND = 10.0
# Quartiles of the standard normal lie 1.349 apart.
_NORMAL_QUARTILE_RANGE = 1.3489795


@dataclass(frozen=True)
class Knots:
    """A monotone, piecewise linear map from values to normal scores, constant beyond the outermost knots."""

    values: Array
    scores: Array

    def __call__(self, column: Array) -> Array:
        return np.interp(column, self.values, self.scores)


def fit_knots(column: Array) -> Knots:
    """Fit the map to a training column, shape (n,); equal values share their middle rank.

    >>> fit_knots(np.array([1.0, 2.0, 2.0, 3.0]))(np.array([2.0, 99.0])).round(3).tolist()
    [0.0, 1.15]
    """
    from scipy.special import ndtri

    values, counts = np.unique(column, return_counts=True)
    middle = (np.cumsum(counts) - 0.5 * counts) / len(column)
    if len(values) > MOST_KNOTS:
        chosen = np.unique(np.linspace(0, len(values) - 1, MOST_KNOTS).round().astype(np.int64))
        values, middle = values[chosen], middle[chosen]
    return Knots(values, np.asarray(ndtri(middle)))


def _bend(values: Array, at: float = BEND) -> Array:
    return at * np.tanh(values / at)


class FeatureMap:
    """A fitted map from a group's columns (n, d) to features (n, `width`); the first d are one per column.

    Args:
        training: the training rows, shape (n, d), finite.
        preprocess: "rank", "standardize" or "none".

    >>> x = np.random.default_rng(0).standard_cauchy((1000, 2))
    >>> FeatureMap(x, "rank")(1e300 * np.ones((1, 2))).shape
    (1, 7)
    """

    def __init__(self, training: Array, preprocess: Preprocess) -> None:
        sample = training[:FIT_ROWS]
        self.preprocess = preprocess
        self.columns = sample.shape[1]
        self.width = 3 * self.columns + 1 if preprocess == "rank" else self.columns
        self.weights: Array | None = None
        if preprocess == "none":
            return
        # Dividing by the largest magnitude first keeps sums and squares of values near 1e308 finite.
        self._unit = np.abs(sample).max(0)
        self._unit[self._unit == 0.0] = 1.0
        scaled = sample / self._unit
        if preprocess == "standardize":
            self._location, self._scale = scaled.mean(0), _or_one(scaled.std(0))
            return
        self._knots = [fit_knots(np.ascontiguousarray(column)) for column in sample.T]
        low, middle, high = np.percentile(scaled, [25, 50, 75], axis=0)
        spread = (high - low) / _NORMAL_QUARTILE_RANGE
        self._location, self._scale = middle, _or_one(np.where(spread > 0.0, spread, scaled.std(0)))
        radius = self._radius(self._scaled(sample))
        self._radius_location, self._radius_scale = radius.mean(), float(_or_one(radius.std(keepdims=True))[0])
        energy = self._energy(self.scores(sample))
        self._energy_location, self._energy_scale = energy.mean(), float(_or_one(energy.std(keepdims=True))[0])

    def _scaled(self, values: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.clip((values / self._unit - self._location) / self._scale, -1e100, 1e100))

    def scores(self, values: Array) -> Array:
        """The normal scores alone, shape (n, d): the first features but for their weights; of "rank" only."""
        scores = np.empty(values.shape)
        for j, knots in enumerate(self._knots):
            scores[:, j] = knots(values[:, j])
        return scores

    @staticmethod
    def _energy(scores: Array) -> Array:
        return _bend(np.asarray(np.einsum("ij,ij->i", scores, scores)) / scores.shape[1])

    @staticmethod
    def _radius(scaled: Array) -> Array:
        return np.asarray(np.log1p(np.einsum("ij,ij->i", scaled, scaled)))

    def __call__(self, values: Array) -> Array:
        if self.preprocess == "none":
            return values
        scaled = self._scaled(values)
        if self.preprocess == "standardize":
            return _bend(scaled, STANDARDIZED_BEND)
        d, scores = self.columns, self.scores(values)
        features = np.empty((len(values), self.width))
        features[:, :d] = scores
        features[:, d : 2 * d] = _bend(scaled)
        energy = (self._energy(scores) - self._energy_location) / self._energy_scale
        np.multiply(scores, energy[:, None], out=features[:, 2 * d : 3 * d])
        features[:, -1] = _bend((self._radius(scaled) - self._radius_location) / self._radius_scale)
        if self.weights is not None:
            features *= self.weights
        return features


def _or_one(scale: Array) -> Array:
    """Replace scales of constant columns, whose features are 0 whatever they are divided by."""
    return np.where(scale > 0.0, scale, 1.0)


def require_representable(x: Array, z: Array, precision: str) -> None:
    """Raise DataError if a value that is passed through as it is overflows the precision of the network."""
    limit = float(np.finfo(precision).max)
    for name, side in (("x", x), ("z", z)):
        largest = float(np.abs(side).max())
        if largest > limit:
            raise DataError(
                f"{name} holds a value of magnitude {largest:.3g}, beyond the range of {precision}",
                hint="use --preprocess rank or --precision float64",
            )
