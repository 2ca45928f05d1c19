r"""The bound on rows that training has not seen: many re-pairings, one log-mean-exp, no state changed.

A bound read off minibatches is too high (Jensen), one re-pairing of the rows is too noisy. Here every row is paired
with many others, and all those pairs enter one mean of e^T. The terms are kept row by row: their spread gives the
standard error, and they are the pointwise log density ratios.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minecli.mine.bounds import BOUNDS, OFFSETS
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import StatisticsNetwork

Rows = Callable[[slice], tuple[Tensor, Tensor]]

# Rows are re-paired within blocks, and a block is scored in chunks of pairs (of all models together), so that memory
# stays bounded.
BLOCK_ROWS = 4096
CHUNK_PAIRS = 32_768

# The scales a score may be given on validation rows: 0 is "no dependence found". None is above 1, so that scaled
# scores keep the network's ceiling.
SCALES = torch.linspace(0.0, 1.0, 21)


@torch.no_grad()
def score_matrix(network: StatisticsNetwork, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
    """Scores of row i of x with row i - s of z, shape (models, len(shifts), b), for all models at once."""
    left, right = network.project_x(x), network.project_z(z)
    step = max(1, CHUNK_PAIRS // (x.shape[0] * x.shape[1]))
    chunks = [network.score(left, right, shifts[i : i + step]) for i in range(0, len(shifts), step)]
    return torch.cat(chunks, 1)


def bound_of(scores: Tensor, bound: str) -> Tensor:
    """The bound in nats, shape (models,), of a `score_matrix` whose first shift is 0."""
    offset = OFFSETS[bound]
    return BOUNDS[bound](scores[:, 0] + offset, scores[:, 1:].flatten(1) + offset)


def fit_scale(scores: Tensor, bound: str) -> Tensor:
    r"""Choose, for every model, the :math:`\alpha` in `SCALES` for which :math:`\alpha T` has the largest bound.

    The bound is concave in alpha, and alpha = 0 gives exactly 0: a network that has learnt nothing but noise is
    switched off rather than reported as negative information. To be called with validation rows.

    Returns:
        Shape (models,).
    """
    scales = SCALES.to(scores)
    values = torch.stack([bound_of(scale * scores, bound) for scale in scales])
    return scales[values.argmax(0)]


@dataclass(frozen=True)
class HeldOutTerms:
    r"""The bound on held-out rows and what each row contributes.

    Attributes:
        value_nats: the bound.
        log_ratio: the log density ratio of each row's joint pair, shape (n,); its mean is the bound
            (Donsker-Varadhan), or would be if the mean of :math:`e^T` were what it should be (f-divergence).
        influence: how the bound responds to each row, shape (n,), as x and as z of re-paired rows and as a joint
            pair; its variance over n is the variance of the bound over new held-out rows.
        effective_rows: (sum a)^2 / sum a^2 over the rows' mean weights a = mean e^T, as x or as z, whichever is less;
            few of them mean that the log-mean-exp hangs on a handful of rows.
    """

    value_nats: float
    log_ratio: Tensor
    influence: Tensor
    effective_rows: float


@torch.no_grad()
def held_out_terms(
    network: StatisticsNetwork,
    rows: Rows,
    count: int,
    *,
    shifts_per_row: int,
    scale: float,
    bound: str,
    generator: torch.Generator,
    should_stop: Callable[[], bool],
) -> HeldOutTerms | None:
    """Evaluate one model on `count` rows, in random order, that it has not seen.

    Args:
        network: holds a single model.
        rows: gives the features of a slice of the rows, shapes (1, b, features).
        count: how many rows there are, at least two.
        shifts_per_row: how many other rows each row is paired with (fewer where a block has no more).
        scale: the factor on T from `fit_scale`.
        bound: "donsker-varadhan" or "nwj".
        generator: where the re-pairings are drawn from.
        should_stop: asked once per block; None is returned if it says yes.
    """
    blocks = -(-count // BLOCK_ROWS)
    edges = [count * i // blocks for i in range(blocks + 1)]
    shifts_per_row = min(shifts_per_row, min(b - a for a, b in itertools.pairwise(edges)) - 1)
    joint = torch.empty(count, dtype=torch.float64)
    as_x, as_z = torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for start, end in itertools.pairwise(edges):
        if should_stop():
            return None
        shifts = random_shifts(end - start, shifts_per_row, generator)
        scores = scale * score_matrix(network, *rows(slice(start, end)), [0, *shifts])[0].double().cpu()
        joint[start:end] = scores[0]
        weights = scores[1:].exp()
        as_x[start:end] = weights.mean(0)
        for shift, row in zip(shifts, weights, strict=True):
            as_z[start:end] += torch.roll(row, -shift) / shifts_per_row
    mean = float(as_x.mean())
    effective = min(float(side.sum() ** 2 / side.square().sum()) for side in (as_x, as_z))
    if bound == "nwj":
        value = float(joint.mean()) + 1.0 - mean
        return HeldOutTerms(value, joint, joint - as_x - as_z, effective)
    log_ratio = joint - math.log(mean)
    return HeldOutTerms(float(log_ratio.mean()), log_ratio, log_ratio - (as_x + as_z) / mean, effective)
