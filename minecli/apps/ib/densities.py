r"""What is known of I(X;Z) where the density q(z|x) of an encoder is: bounds that need no network.

With n rows and one code each, up to the chance of these rows (Poole et al., "On variational bounds of mutual
information", 2019, section 2.3),

.. math:: E \log \frac{q(z_i|x_i)}{\frac1n \sum_j q(z_i|x_j)} \le I(X;Z)
          \le E \log \frac{q(z_i|x_i)}{\frac1{n-1} \sum_{j \ne i} q(z_i|x_j)}

The first is at most log n; the second, which leaves each row out of its own marginal, has no ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

# Squares of smaller ones would leave the range of numbers; codes so far apart are told apart without doubt.
LEAST_DEVIATION = 1e-5
# Densities that are in memory together.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class KnownBounds:
    """The lower and the upper bound on I(X;Z) in nats, shape (models,) each."""

    low: Tensor
    high: Tensor


def log_densities(z: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """log q(z_i|x_j) without its constant: (..., b, n) of codes (..., b, k) and the moments of n rows (..., n, k).
    Deviations that all rows share, (..., 1, k), cost much less.

    >>> one = torch.ones(1, 2, 3)
    >>> log_densities(one, 0.0 * one, one)
    tensor([[[-1.5000, -1.5000],
             [-1.5000, -1.5000]]])
    """
    precision = deviation.pow(-2)
    crossed = z.square() @ precision.mT - 2.0 * z @ (mean * precision).mT
    own = (mean.square() * precision).sum(-1) + 2.0 * deviation.log().sum(-1)
    return -0.5 * (crossed + own[..., None, :])


def mixture_log_densities(z: Tensor, mean: Tensor, deviation: Tensor, *, own: bool = False) -> Tensor:
    """The logarithm of the mean over n rows of q(z_i|x_j), without its constant: (models, b), of codes (models, b, k)
    and moments (models, n, k), see `log_densities`.

    Args:
        own: code i is that of row i, which is left out of its own mean; b is n.
    """
    count, parts = mean.shape[1], []
    for start, part in _split(z, count):
        every = log_densities(part, mean, deviation)
        parts.append((_without_own(every, start) if own else every).logsumexp(-1))
    return torch.cat(parts, -1) - math.log(count - own)


def _split(z: Tensor, rows: int) -> Iterator[tuple[int, Tensor]]:
    """Parts of codes (models, b, k), each with the place of its first one, that are compared with so many rows."""
    size = max(1, _AT_ONCE // (len(z) * rows))
    for i, part in enumerate(torch.split(z, size, 1)):
        yield i * size, part


def _without_own(every: Tensor, start: int) -> Tensor:
    """Log densities (models, b, n) without those of row start + i for code i, which become -infinity."""
    itself = torch.zeros_like(every, dtype=torch.bool)
    itself.diagonal(start, dim1=-2, dim2=-1).fill_(True)
    return every.masked_fill(itself, -math.inf)


def known_bounds(z: Tensor, mean: Tensor, deviation: Tensor) -> KnownBounds:
    """Both bounds of the module's docstring by one code of each of the first b of n rows, differentiable in all.

    Args:
        z: the codes, shape (models, b, k).
        mean: of the codes that each row may have, shape (models, n, k), n at least 2.
        deviation: their deviations, likewise, or (models, 1, k).

    >>> apart = torch.tensor([[[0.0], [100.0]]])
    >>> known_bounds(apart, apart, torch.ones(1, 2, 1)).low.exp()
    tensor([2.])
    """
    count, deviation = mean.shape[1], deviation.clamp(min=LEAST_DEVIATION)
    low, high = [], []
    for start, part in _split(z, count):
        every = log_densities(part, mean, deviation)
        own = every.diagonal(start, dim1=-2, dim2=-1)
        low.append(own - every.logsumexp(-1))
        high.append(own - _without_own(every, start).logsumexp(-1))
    return KnownBounds(
        torch.cat(low, -1).mean(-1) + math.log(count), torch.cat(high, -1).mean(-1) + math.log(count - 1)
    )
