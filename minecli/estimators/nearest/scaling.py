"""Put the columns of a group on one scale, because a maximum norm compares them by size.

Mutual information does not change when a column is replaced by a strictly monotone function of itself, so each of
these maps is free to use; a nearest-neighbour estimate at finite n does change, which is why the choice is recorded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minecli.estimators.config import Preprocess

Array = npt.NDArray[np.float64]


def rescale(columns: Array, preprocess: Preprocess) -> Array:
    """Return a float64 copy of `columns`, shape (n, d), each column mapped by itself.

    "standardize" subtracts the median and divides by the standard deviation; "rank" replaces each value by its
    normal score Phi^-1((r - 1/2) / n), r its rank from 1, equal values sharing their mean rank; "none" copies.
    A constant column becomes zeros under the first two. No finite input gives a non-finite output.

    >>> rescale(np.array([[1e300], [0.0], [-1e300]]), "standardize").ravel().round(4).tolist()
    [1.2247, 0.0, -1.2247]
    >>> rescale(np.array([[8.0], [9.0], [1000.0]]), "rank").ravel().round(4).tolist()
    [-0.9674, 0.0, 0.9674]
    """
    rescaled = np.array(columns, dtype=np.float64, order="C", copy=True)
    if preprocess == "none":
        return rescaled
    one = _standardized if preprocess == "standardize" else normal_scores
    for j in range(rescaled.shape[1]):
        rescaled[:, j] = one(np.ascontiguousarray(rescaled[:, j]))
    return rescaled


def _standardized(column: Array) -> Array:
    # Halving and dividing by the largest magnitude first keep sums, differences and squares of values near 1e308
    # finite. The median, not the mean, is subtracted: beside one huge value the mean would swallow the others' digits.
    halves = 0.5 * column
    centred = halves - np.median(halves)
    largest = np.abs(centred).max()
    if largest == 0.0:
        return centred
    unit = centred / largest
    return np.asarray(unit / unit.std())


def normal_scores(column: Array) -> Array:
    """Return the normal scores of a column of shape (n,); equal values get equal scores.

    >>> normal_scores(np.array([3.0, 3.0])).tolist()
    [0.0, 0.0]
    """
    from scipy.special import ndtri

    n = len(column)
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    del ordered  # of ten million rows every array counts, and every byte of its entries
    starts = starts.astype(np.int32 if 2 * n < 2**31 else np.int64)
    # Twice the mean rank from 0.5, a whole number: the scores of the upper half mirror those of the lower exactly,
    # so that reversing a column's order changes no distance.
    counts = np.diff(starts, append=starts.dtype.type(n))
    doubled = 2 * starts + counts
    del starts
    lower = ndtri(np.minimum(doubled, 2 * n - doubled) / (2.0 * n))
    ranked = np.where(doubled <= n, lower, -lower)
    del lower, doubled
    scores = np.empty(n)
    scores[order] = ranked if len(ranked) == n else np.repeat(ranked, counts)
    return scores
