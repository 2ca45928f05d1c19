r"""Canonical correlations of two groups of columns, and how much of them a sample supports.

For jointly Gaussian columns they hold all there is to know: :math:`I = -\frac12 \sum_i \log(1 - \rho_i^2)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Directions whose variance is below this share of the largest are taken for exact linear dependence.
_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Canonical:
    """Linear maps to canonical variates: `(x - x_mean) @ x_weights` has unit variance, uncorrelated columns, and
    column i correlates with column i of z's variates alone, with `correlations[i]` (descending)."""

    x_mean: Array
    z_mean: Array
    x_weights: Array
    z_weights: Array
    correlations: Array
    x_rank: int
    z_rank: int


def canonical_correlations(x: Array, z: Array) -> Canonical:
    """Compute the canonical correlations of x (n, d_x) and z (n, d_z).

    Constant columns and linearly dependent ones are left out of the variates. The cost is
    O(n (d_x + d_z)^2 + (d_x + d_z)^3).

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2000, 2))
    >>> canonical_correlations(x, x @ [[1.0], [1.0]]).correlations.round(6)
    array([1.])
    """
    x_mean, x_root, x_rank = _whitening(x)
    z_mean, z_root, z_rank = _whitening(z)
    cross = x_root.T @ ((x - x_mean).T @ (z - z_mean) / len(x)) @ z_root
    left, correlations, right = np.linalg.svd(cross, full_matrices=False)
    return Canonical(x_mean, z_mean, x_root @ left, z_root @ right.T, np.minimum(correlations, 1.0), x_rank, z_rank)


def _whitening(values: Array) -> tuple[Array, Array, int]:
    mean = values.mean(0)
    centred = values - mean
    scale = centred.std(0)
    scale[scale == 0.0] = 1.0
    variances, directions = np.linalg.eigh((centred / scale).T @ (centred / scale) / len(values))
    kept = variances > _RANK_TOLERANCE * max(variances[-1], _RANK_TOLERANCE)
    root = directions[:, kept] / np.sqrt(variances[kept]) / scale[:, None]
    return mean, root, int(kept.sum())


def shrink_correlations(correlations: Array, rows: int, x_rank: int, z_rank: int) -> Array:
    r"""Shrink sample correlations towards those of the distribution, exactly to 0 where they are no more than noise.

    Whitened cross-covariances of independent groups form a noise matrix with entries of variance 1/n, whose largest
    singular value is about :math:`\sqrt{d_x/n} + \sqrt{d_z/n}`. Above that edge the optimal shrinker of singular
    values under white noise is used (Gavish and Donoho, 2017, Frobenius loss), with the noise scaled by
    :math:`1 - r^2`, the factor by which the sampling error of a correlation shrinks.

    >>> shrink_correlations(np.array([0.9, 0.05]), 1000, 2, 2).round(3)
    array([0.9, 0. ])
    """
    large, small = max(x_rank, z_rank), max(min(x_rank, z_rank), 1)
    ratio = small / large
    noise = np.sqrt(large / rows) * np.maximum(1.0 - correlations**2, 1e-12)
    y = correlations / noise
    above = y > 1.0 + np.sqrt(ratio)
    shrunk = np.sqrt(np.maximum((y**2 - ratio - 1.0) ** 2 - 4.0 * ratio, 0.0)) / np.maximum(y, 1e-12)
    result: Array = np.where(above, np.minimum(shrunk * noise, correlations), 0.0)
    return result
