r"""The bound on rows that training has not seen: many re-pairings, one log-mean-exp, no state changed.

A bound read off minibatches is too high (Jensen), one re-pairing of the rows is too noisy. Here every row is paired
with many others, and all those pairs enter one mean of e^T. The terms are kept row by row: their spread gives the
standard error, and they are the pointwise log density ratios.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch import Tensor

from minecli.mine.contributions import RowTerms
from minecli.mine.objectives import Objective
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import StatisticsNetwork

Rows = Callable[[slice], tuple[Tensor, Tensor]]

# Rows are re-paired within blocks, and a block is scored in chunks of pairs (of all models together), so that memory
# stays bounded.
BLOCK_ROWS = 4096
CHUNK_PAIRS = 32_768


@torch.no_grad()
def score_matrix(network: StatisticsNetwork, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
    """Scores of row i of x with row i - s of z, shape (models, len(shifts), b), for all models at once."""
    left, right = network.project_x(x), network.project_z(z)
    step = max(1, CHUNK_PAIRS // (x.shape[0] * x.shape[1]))
    chunks = [network.score(left, right, shifts[i : i + step]) for i in range(0, len(shifts), step)]
    return torch.cat(chunks, 1)


def bound_of(scores: Tensor, objective: Objective) -> Tensor:
    """The reported value in nats, shape (models,), of a `score_matrix` whose first shift is 0."""
    return objective.value_of(scores[:, 0], scores[:, 1:])


def criterion_of(scores: Tensor, objective: Objective) -> Tensor:
    """The lower bound in nats, shape (models,), that chooses among weights, of such a matrix of validation rows."""
    return objective.criterion_of(scores[:, 0], scores[:, 1:])


def fit_weights(scores: Tensor, objective: Objective) -> list[float]:
    r"""Combine networks: the weights :math:`w_j \ge 0`, :math:`\sum_j w_j \le 1`, for which :math:`\sum_j w_j T_j`
    has the largest criterion.

    Every criterion is concave in T, hence in w, and w = 0 gives exactly 0: networks that have learnt nothing but noise
    are switched off rather than reported as negative information. The sum is at most 1 so that the combination keeps
    the networks' ceiling. To be called with validation rows.

    Args:
        scores: shape (networks, 1 + shifts, b), the first shift being 0.
        objective: whose criterion to use.

    Returns:
        One weight per network, rounded to 0.01.
    """
    members = scores.shape[0]
    each = scores.double()

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        with torch.enable_grad():
            w = torch.tensor(weights, device=each.device, requires_grad=True)
            value = -criterion_of(torch.einsum("m,msb->sb", w, each)[None], objective).sum()
            (slope,) = torch.autograd.grad(value, w)
        return float(value.detach()), slope.cpu().numpy()

    found = minimize(
        loss,
        np.full(members, 1.0 / members),
        jac=True,
        bounds=[(0.0, 1.0)] * members,
        constraints=[{"type": "ineq", "fun": lambda w: 1.0 - w.sum(), "jac": lambda w: -np.ones(members)}],
        method="SLSQP",
        options={"ftol": 1e-7},
    )
    chosen = np.clip(found.x, 0.0, 1.0)
    if not np.isfinite(found.fun) or found.fun > 0.0:
        return [0.0] * members
    # Rounded down, so that they still sum to at most 1; a little more first, less than 0.01 in all, so that 1 stays 1.
    return [math.floor(100.0 * min(w + 5e-4, 1.0)) / 100.0 for w in chosen.tolist()]


@torch.no_grad()
def row_terms(
    network: StatisticsNetwork,
    rows: Rows,
    count: int,
    *,
    shifts_per_row: int,
    weights: Sequence[float],
    objective: Objective,
    generator: torch.Generator,
    should_stop: Callable[[], bool],
) -> RowTerms | None:
    """Evaluate a combination of models on `count` rows in random order: held out, for an estimate.

    Args:
        network: the models to combine.
        rows: gives the features of a slice of the rows, shapes (models, b, features).
        count: how many rows there are, at least two.
        shifts_per_row: how many other rows each row is paired with (fewer where a block has no more).
        weights: one per model, from `fit_weights`; the sum of the weighted scores is evaluated.
        objective: what to evaluate.
        generator: where the re-pairings are drawn from.
        should_stop: asked once per block; None is returned if it says yes.
    """
    blocks = -(-count // BLOCK_ROWS)
    edges = [count * i // blocks for i in range(blocks + 1)]
    shifts_per_row = min(shifts_per_row, min(b - a for a, b in itertools.pairwise(edges)) - 1)
    own = torch.empty(count, dtype=torch.float64)
    as_x, as_z = torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for start, end in itertools.pairwise(edges):
        if should_stop():
            return None
        shifts = random_shifts(end - start, shifts_per_row, generator)
        each = score_matrix(network, *rows(slice(start, end)), [0, *shifts])
        scores = torch.einsum("m,msb->sb", torch.tensor(weights).to(each), each).double().cpu()
        own[start:end], exponentials = objective.contribution.block(scores[0], scores[1:])
        as_x[start:end] = exponentials.mean(0)
        for shift, row in zip(shifts, exponentials, strict=True):
            as_z[start:end] += torch.roll(row, -shift) / shifts_per_row
    terms = objective.contribution.gather(own, as_x, as_z)
    return replace(terms, shifts_per_row=shifts_per_row, ceiling_nats=objective.ceiling(shifts_per_row))
