r"""Which features are worth the network's attention, seen from their correlations with the other side.

Among many features that tell nothing, a network trained on few rows finds patterns that are not there. A feature's
relevance is its largest squared correlation with any feature of the other side, or with the square of one, less what
the largest of so many would be by chance, about :math:`2 \log(m) / n` for m correlations of n rows. Its square may
speak for a feature, too. The weights

.. math:: w_j = \max\left(\min(1, 4/p), \sqrt{r_j / \max_i r_i}\right)

for p features make relevant features large and let all the others together count as little as four; none is 0,
because a dependence can hide from every correlation. All are then multiplied by one number, at most 4, that brings
their mean square towards 1, so that a few relevant features reach the network as strongly as many would. Where no
relevance is found, all weights are 1. To be computed from training rows. The idea is that of sure independence
screening (Fan and Lv, 2008), without throwing away anything.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# What p irrelevant features may weigh together, in relevant ones.
IRRELEVANT_TOGETHER = 4.0
MOST_AMPLIFIED = 4.0
# Rows times correlations: a second or two of one core, less than training takes.
MOST_PRODUCTS = 2.0e10
MOST_ROWS, FEWEST_ROWS = 16_384, 1_000


def screen(x: Array, z: Array, x_squared: int, z_squared: int) -> tuple[Array, Array]:
    """Weigh the features x (n, p) and z (n, q) of the same n training rows.

    Args:
        x_squared: how many of x's features, from the first on, may be spoken for by their own square.
        z_squared: likewise for z.

    Returns:
        The weights, shapes (p,) and (q,), positive.

    >>> rng = np.random.default_rng(0)
    >>> x, z = rng.standard_normal((2, 2000, 10))
    >>> z[:, 0] += x[:, 3]
    >>> screen(x, z, 10, 10)[0].round(1).tolist()
    [0.8, 0.8, 0.8, 2.0, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
    """
    pairs = 4.0 * x.shape[1] * z.shape[1]
    rows = min(len(x), max(FEWEST_ROWS, min(MOST_ROWS, int(MOST_PRODUCTS / pairs))))
    left, right = _with_squares(x[:rows]), _with_squares(z[:rows])
    squared = np.square(left.T @ right / np.float32(rows))
    chance = 2.0 * math.log(max(pairs, 2.0)) / rows
    return (
        _weights(squared.max(1) - chance, x.shape[1], x_squared),
        _weights(squared.max(0) - chance, z.shape[1], z_squared),
    )


def _with_squares(features: Array) -> npt.NDArray[np.float32]:
    """The features and their squares, standardised, shape (n, 2 p)."""
    plain = _standardised(features)
    both: npt.NDArray[np.float32] = np.hstack([plain, _standardised(np.square(plain))]).astype(np.float32)
    return both


def _standardised(values: Array) -> Array:
    centred = values - values.mean(0)
    scale = centred.std(0)
    standardised: Array = centred / np.where(scale > 0.0, scale, 1.0)
    return standardised


def _weights(relevance: Array, features: int, squared: int) -> Array:
    own = relevance[:features].astype(np.float64)
    own[:squared] = np.maximum(own[:squared], relevance[features : features + squared])
    own = np.maximum(own, 0.0)
    if own.max() <= 0.0:
        return np.ones(features)
    weights: Array = np.maximum(min(1.0, IRRELEVANT_TOGETHER / features), np.sqrt(own / own.max()))
    return weights * min(MOST_AMPLIFIED, 1.0 / math.sqrt(float(np.mean(weights**2))))
