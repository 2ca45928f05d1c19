"""What single pairs of columns show already: the whole groups cannot carry less (data processing inequality).

A quick estimate before all others: the few pairs of columns, one of x and one of z, that are most correlated (ranks,
or their distances from the middle) are estimated by themselves, by nearest neighbours or, where both are discrete, by
their table. In so few dimensions these are nearly unbiased, so that a value of the whole groups below one of them is
impossible but for sampling error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli.estimators.choice import suited
from minecli.estimators.context import Context
from minecli.estimators.facts import Block, Facts, find_facts
from minecli.estimators.registry import ESTIMATORS
from minecli.estimators.row_order import row_scores
from minecli.result import Direction, Status
from minecli.runtime.seeds import generator

Array = npt.NDArray[np.float64]

MOST_ROWS = 8192
MOST_PAIRS = 3
# Rows times pairs of columns: a fraction of a second of one core.
MOST_PRODUCTS = 4.0e9
FEWEST_ROWS, FEWEST_CORRELATED = 100, 200
# A part says nothing where wider neighbourhoods move it by more than this share of itself.
MOST_SHIFT = 0.25
# The best of many pairs is chosen by its correlation: four errors, where two would do for a pair named beforehand.
SIGMAS = 4.0


@dataclass(frozen=True)
class Part:
    """One pair of columns of the table, and what it carries by itself, in nats."""

    x: str
    z: str
    estimator: str
    mi_nats: float
    standard_error_nats: float

    @property
    def at_least_nats(self) -> float:
        """The value less four standard errors, in nats: what the whole groups carry at least."""
        return self.mi_nats - SIGMAS * self.standard_error_nats


def find_parts(x: Array, z: Array, facts: Facts, context: Context) -> tuple[Part, ...]:
    """Estimate the most correlated pairs of columns of x, shape (n, d_x), and z, shape (n, d_z); the best first.

    Of fewer than 100 rows, or where rows are copies or depend on each other, nothing is said.

    >>> x = generator(0, "example").standard_normal((1000, 20))
    >>> z = x[:, 7:8] + 0.5 * generator(1, "example").standard_normal((1000, 1))
    >>> find_parts(x, z, find_facts(x, z), Context())[0].x
    'x column 8'
    """
    if facts.rows < FEWEST_ROWS or facts.copied or facts.order.dependent or facts.identical:
        return ()
    rows = np.arange(len(x))
    if len(x) > MOST_ROWS:
        rows = np.sort(generator(context.seed, "parts", "rows").choice(len(x), MOST_ROWS, replace=False))
    x, z = x[rows], z[rows]
    pairs = _most_correlated(x, z, facts)
    parts = (_estimated(x, z, a, b, context) for a, b in pairs)
    return tuple(sorted((part for part in parts if part is not None), key=lambda p: -p.at_least_nats))


def _most_correlated(x: Array, z: Array, facts: Facts) -> list[tuple[Block, Block]]:
    """The pairs of table columns with the largest correlation of any two of their array columns."""
    if facts.one_pair:
        return [(facts.x.blocks[0], facts.z.blocks[0])]
    few = int(MOST_PRODUCTS / (4.0 * x.shape[1] * z.shape[1]))
    rows = np.linspace(0, len(x) - 1, max(FEWEST_CORRELATED, min(len(x), few))).round().astype(np.int64)
    left, right = (row_scores(side[rows], constant=True).astype(np.float32) for side in (x, z))
    n = left.shape[1]
    squared = np.square(left @ right.T / n).reshape(2, x.shape[1], 2, z.shape[1]).max(axis=(0, 2))
    by_block = np.array([[squared[a.columns, b.columns].max() for b in facts.z.blocks] for a in facts.x.blocks])
    best = np.argsort(by_block, axis=None)[::-1][:MOST_PAIRS]
    return [(facts.x.blocks[i // by_block.shape[1]], facts.z.blocks[i % by_block.shape[1]]) for i in best]


def _estimated(x: Array, z: Array, a: Block, b: Block, context: Context) -> Part | None:
    left, right = x[:, a.columns], z[:, b.columns]
    if (left == left[0]).all() or (right == right[0]).all():
        return None
    # Kinds are those of the pair alone: what does not repeat beside other columns may do so here.
    facts = find_facts(left, right, ordered=False)
    name = suited(facts)
    if facts.copied or facts.thin:
        return None
    quick = Context(threads=context.threads, seed=context.seed, facts=facts, should_stop=context.should_stop)
    estimate = ESTIMATORS[name].load()(left, right, ESTIMATORS[name].config(), quick)
    if estimate.mi_nats is None or estimate.standard_error_nats is None or estimate.status is not Status.CONVERGED:
        return None
    # Where neighbourhoods matter much there may be near-copies of rows, which make values too high.
    shift = estimate.details.get("shift_by_neighbours_nats")
    if estimate.warned(Direction.TOO_HIGH) or (isinstance(shift, float) and abs(shift) > MOST_SHIFT * estimate.mi_nats):
        return None
    return Part(a.name, b.name, name, estimate.mi_nats, estimate.standard_error_nats)
