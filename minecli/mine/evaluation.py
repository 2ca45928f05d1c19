r"""The bound on rows that training has not seen: many re-pairings, one log-mean-exp, no state changed.

A bound read off minibatches is too high (Jensen), one re-pairing of the rows is too noisy. Here every row is paired
with many others, and all those pairs enter one mean of e^T. The terms are kept row by row: their spread gives the
standard error, and they are the pointwise log density ratios.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from minecli.mine.contributions import HeldOutTerms
from minecli.mine.objectives import Objective
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


def bound_of(scores: Tensor, objective: Objective) -> Tensor:
    """The reported value in nats, shape (models,), of a `score_matrix` whose first shift is 0."""
    return objective.value_of(scores[:, 0], scores[:, 1:])


def criterion_of(scores: Tensor, objective: Objective) -> Tensor:
    """The lower bound in nats, shape (models,), that chooses among weights, of such a matrix of validation rows."""
    return objective.criterion_of(scores[:, 0], scores[:, 1:])


def fit_scale(scores: Tensor, objective: Objective) -> Tensor:
    r"""Choose, for every model, the :math:`\alpha` in `SCALES` for which :math:`\alpha T` has the largest criterion.

    Every criterion is concave in alpha, and alpha = 0 gives exactly 0: a network that has learnt nothing but noise is
    switched off rather than reported as negative information. To be called with validation rows.

    Returns:
        Shape (models,).
    """
    scales = SCALES.to(scores)
    values = torch.stack([criterion_of(scale * scores, objective) for scale in scales])
    return scales[values.argmax(0)]


@torch.no_grad()
def held_out_terms(
    network: StatisticsNetwork,
    rows: Rows,
    count: int,
    *,
    shifts_per_row: int,
    scale: float,
    objective: Objective,
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
        scores = scale * score_matrix(network, *rows(slice(start, end)), [0, *shifts])[0].double().cpu()
        own[start:end], weights = objective.contribution.block(scores[0], scores[1:])
        as_x[start:end] = weights.mean(0)
        for shift, row in zip(shifts, weights, strict=True):
            as_z[start:end] += torch.roll(row, -shift) / shifts_per_row
    terms = objective.contribution.gather(own, as_x, as_z)
    return replace(terms, ceiling_nats=objective.ceiling(shifts_per_row))
