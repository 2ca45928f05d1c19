r"""What each row contributes to a bound: its log density ratio, and how the bound responds to the row.

Rows arrive in blocks. Of each block a `Contribution` keeps two things: `own`, shape (b,), what a row's joint pair
brings, and `weights`, shape (s, b), what its s re-pairings bring. Weights are then averaged twice, over the pairs in
which a row gives its x (`as_x`) and over those in which it gives its z (`as_z`), both of shape (n,), and the whole is
gathered. The influence of a row is the derivative of the bound with respect to the row's share in the sample, up to a
constant; its variance over n is the variance of the bound over new rows (the delta method).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RowTerms:
    r"""The bound on some rows and what each contributes.

    Attributes:
        value_nats: the bound.
        log_ratio: the log density ratio of each row's joint pair, shape (n,); its mean is the bound
            or, for bounds that leave the mean of :math:`e^T` free, would be if that were what it should be.
        influence: how the bound responds to each row, shape (n,), as x and as z of re-paired rows and as a joint
            pair; its variance over n is the variance of the bound over new rows.
        effective_rows: (sum a)^2 / sum a^2 over the rows' shares a in the logarithm of the mean, as x or as z,
            whichever is less; few of them mean that it hangs on a handful of rows.
        shifts_per_row: with how many other rows each was paired.
        ceiling_nats: what the bound cannot exceed, however strong the dependence, with so many re-pairings per row.
    """

    value_nats: float
    log_ratio: Tensor
    influence: Tensor
    effective_rows: float
    shifts_per_row: int = 0
    ceiling_nats: float = math.inf


@dataclass(frozen=True)
class Contribution:
    """`block` takes a block's log ratios, joint (b,) and re-paired (s, b), to `own` (b,) and `weights` (s, b);
    `gather` takes `own`, `as_x` and `as_z` of all n rows to the terms."""

    block: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    gather: Callable[[Tensor, Tensor, Tensor], RowTerms]


def exponentials(joint: Tensor, marginal: Tensor) -> tuple[Tensor, Tensor]:
    """T of the joint pair, and e^T of the re-paired ones."""
    return joint, marginal.exp()


def clipped_exponentials(clip: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The same with re-paired T held within -clip .. clip."""
    return lambda joint, marginal: (joint, marginal.clamp(-clip, clip).exp())


def contrasts(joint: Tensor, marginal: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's term of InfoNCE, and the shares of its K re-pairings in its own sum of e^T, times K."""
    everyone = torch.logsumexp(torch.cat([joint[None], marginal]), 0)
    others = len(marginal)
    return joint - everyone + math.log(others + 1), others * (marginal - everyone).exp()


def normalised(own: Tensor, as_x: Tensor, as_z: Tensor) -> RowTerms:
    """E_P[T] - log m with m the mean weight: every row moves its own T, and m through its pairs."""
    mean = float(as_x.mean())
    log_ratio = own - math.log(mean)
    influence = log_ratio - (as_x + as_z) / mean
    return RowTerms(float(log_ratio.mean()), log_ratio, influence, _effective(as_x, as_z))


def unnormalised(own: Tensor, as_x: Tensor, as_z: Tensor) -> RowTerms:
    """1 + E_P[T] - m, T being the log ratio."""
    value = float(own.mean()) + 1.0 - float(as_x.mean())
    return RowTerms(value, own, own - as_x - as_z, _effective(as_x, as_z))


def contrasted(own: Tensor, as_x: Tensor, as_z: Tensor) -> RowTerms:
    """The mean of the rows' contrasts: a row moves its own, and as a z those of the rows it is set against.

    What a z weighs in all sums, its own included, is its share; the mean of the shares is 1.
    """
    share = 1.0 - as_x + as_z
    return RowTerms(float(own.mean()), own, own - as_z, _effective(share))


def _effective(*sides: Tensor) -> float:
    return min(float(side.sum() ** 2 / side.square().sum()) for side in sides)
