r"""Canonical correlations of two groups of columns, and how much of them a sample supports.

For jointly Gaussian columns they hold all there is to know: :math:`I = -\frac12 \sum_i \log(1 - \rho_i^2)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Canonical:
    """Canonical correlations of n rows, shape (r,), descending, and the linear maps to the variates they belong to.

    `x_variates = (x - x_mean) @ x_weights`, shape (n, r), has mean squares 1 and uncorrelated columns, and column i
    correlates with column i of `z_variates` alone. The ranks count the directions in which each side varies. Where the
    variates were not wanted they have shape (0, r).
    """

    correlations: Array
    x_mean: Array
    z_mean: Array
    x_weights: Array
    z_weights: Array
    x_variates: Array
    z_variates: Array
    x_rank: int
    z_rank: int


def canonical_correlations(x: Array, z: Array, *, variates: bool = True) -> Canonical:
    """Compute the canonical correlations of x (n, d_x) and z (n, d_z), by QR and SVD, and the `variates` if wanted.

    Constant columns and linearly dependent ones are left out of the variates. The columns of a side should have
    similar scales, which decide what counts as no variance. The cost is O(n (d_x + d_z)^2).

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2000, 2))
    >>> canonical_correlations(x, x @ [[1.0], [1.0]]).correlations.round(12).tolist()
    [1.0]
    """
    (x_mean, x_basis, x_root), (z_mean, z_basis, z_root) = _whitened(x), _whitened(z)
    left, correlations, right = np.linalg.svd(x_basis.T @ z_basis, full_matrices=False)
    unit, shown = math.sqrt(len(x)), slice(None) if variates else slice(0)
    return Canonical(
        correlations=np.minimum(correlations, 1.0),
        x_mean=x_mean,
        z_mean=z_mean,
        x_weights=unit * x_root @ left,
        z_weights=unit * z_root @ right.T,
        x_variates=unit * x_basis[shown] @ left,
        z_variates=unit * z_basis[shown] @ right.T,
        x_rank=x_basis.shape[1],
        z_rank=z_basis.shape[1],
    )


def _whitened(side: Array) -> tuple[Array, Array, Array]:
    """The mean, an orthonormal basis (n, rank) of the centred columns' span, and the map (d, rank) to it."""
    mean = side.mean(0)
    np.empty((6, *side.shape))  # where LAPACK lacks the room for its work it writes a line of its own to standard error
    q, triangle = np.linalg.qr(side - mean)
    rotation, strengths, directions = np.linalg.svd(triangle)
    used = np.flatnonzero(strengths > strengths[0] * max(side.shape) * np.finfo(np.float64).eps)
    return mean, q @ rotation[:, used], directions[used].T / strengths[used]


def shrink_correlations(correlations: Array, rows: int, x_rank: int, z_rank: int) -> Array:
    r"""Shrink sample correlations towards those of the distribution, to 0 where they are hardly more than noise.

    Whitened cross-covariances of independent groups form a noise matrix with entries of variance 1/n, whose largest
    singular value is about :math:`\sqrt{d_x/n} + \sqrt{d_z/n}`. Above that edge the optimal shrinker of singular
    values under white noise is used (Gavish and Donoho, 2017, Frobenius loss), with the noise scaled by
    :math:`1 - r^2`, the factor by which the sampling error of a correlation shrinks. That is an approximation for
    d_x + d_z well below n: with a tenth as many columns as rows, a few null correlations survive.

    >>> shrink_correlations(np.array([0.9, 0.05]), 1000, 2, 2).round(3)
    array([0.9, 0. ])
    """
    if x_rank + z_rank >= rows - 1:
        # Then some correlation is 1 whatever the data: nothing can be told from noise.
        return np.zeros_like(correlations)
    large, small = max(x_rank, z_rank, 1), max(min(x_rank, z_rank), 1)
    ratio = small / large
    noise = np.sqrt(large / rows) * np.maximum(1.0 - correlations**2, 1e-12)
    y = correlations / noise
    above = y > 1.0 + np.sqrt(ratio)
    shrunk = np.sqrt(np.maximum((y**2 - ratio - 1.0) ** 2 - 4.0 * ratio, 0.0)) / np.maximum(y, 1e-12)
    result: Array = np.where(above, np.minimum(shrunk * noise, correlations), 0.0)
    return result
